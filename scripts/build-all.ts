import { join } from 'node:path';
import { projectFolder } from './paths.ts';
import { runProcess } from './processes.ts';

const BUILD_TIMEOUT_MS = 120_000;

/** Runs `scripts/build.ts`. Throws an error with its output if it fails. */
export async function buildAll(args: readonly string[] = []): Promise<void> {
  const script = join(projectFolder, 'scripts', 'build.ts');
  const { exitCode, output } = await runProcess(process.execPath, [script, ...args], {
    cwd: projectFolder,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  if (exitCode !== 0) throw new Error(`The build failed:\n${output}`);
}
