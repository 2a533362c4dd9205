import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { importBoundary } from '../checks/import-boundary.ts';
import { thirdParty } from '../checks/third-party.ts';
import { wording } from '../checks/wording.ts';
import { projectFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import type { TestJob } from './in-parallel.ts';
import type { Stage } from './stage.ts';

const CHECK_TIMEOUT_MS = 180_000;

/** Types, lint and format, the import boundary, wording, and licenses. */
export const check: Stage = {
  name: 'check',
  title: 'Checks',
  needsBuild: false,
  jobs: async () => [
    printed('types (tsc)', () => program('tsc', ['--pretty', 'false'])),
    printed('format and lint (Biome)', () => program('biome', ['check', '--colors=off'])),
    printed('licenses of bundled packages', thirdParty),
    printed('import boundary', importBoundary),
    printed('wording', wording),
  ],
};

/** A job that runs a check, which returns the problems it finds, and prints the result like mocha prints a test. */
function printed(name: string, find: () => Promise<readonly string[]>): TestJob {
  return async (write) => {
    const started = Date.now();
    const problems = await find();
    write(`  ${problems.length === 0 ? '✔' : '✘'} ${name} (${Date.now() - started} ms)\n`);
    if (problems.length === 0) return { passed: 1, failures: [] };
    const indented = problems.map((problem) => problem.replace(/^/gm, '      ')).join('\n');
    write(`${indented}\n`);
    return { passed: 0, failures: [`${name}\n${indented}`] };
  };
}

async function program(name: string, args: readonly string[]): Promise<string[]> {
  const command = join(projectFolder, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
  if (!existsSync(command)) return [`${name} isn't installed. Run npm ci.`];
  const { exitCode, output } = await runProcess(command, args, {
    cwd: projectFolder,
    shell: process.platform === 'win32',
    timeoutMs: CHECK_TIMEOUT_MS,
  });
  return exitCode === 0 ? [] : [output.trim()];
}
