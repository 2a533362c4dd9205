/**
 * `npm test`: runs all test stages. `npm test -- unit integration` runs only these stages, and
 * `npm test -- unit test/unit/sync` only these files. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAll } from './build-all.ts';
import { exit } from './cleanup.ts';
import { fromWhereNpmRan, vscodeTestFolder } from './paths.ts';
import { sum, type TestResults } from './results.ts';
import { messageOf } from './say.ts';
import { check } from './stages/check.ts';
import { endToEnd } from './stages/end-to-end.ts';
import { gvisor } from './stages/gvisor.ts';
import { inParallel, said, type TestJob } from './stages/in-parallel.ts';
import { integration } from './stages/integration.ts';
import type { Stage, StageOptions } from './stages/stage.ts';
import { ui } from './stages/ui.ts';
import { unit } from './stages/unit.ts';

const STAGES: readonly Stage[] = [check, unit, gvisor, integration, endToEnd, ui];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
  const named = STAGES.filter(({ name }) => positionals.includes(name));
  const chosen = named.length > 0 ? named : STAGES;
  const files = positionals.filter((word) => !named.some(({ name }) => name === word)).map(fromWhereNpmRan);
  const missing = files.find((file) => !existsSync(file));
  if (missing)
    throw new Error(`${missing} is neither a file nor a stage. Stages: ${STAGES.map(({ name }) => name).join(', ')}.`);
  if (files.length > 0 && named.length !== 1)
    throw new Error('If you specify files, also specify their stage, and only that one.');
  const started = Date.now();
  const total = await runStages(chosen, { files, grep: values.grep });
  // Once more at the end, where one begins to read a long output.
  if (total.failures.length > 0) console.log(`\nFailed\n──────\n${total.failures.join('\n\n')}`);
  console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
  console.log(`${total.passed} passed, ${total.failures.length} failed`);
  return total.failures.length === 0 ? 0 : 1;
}

/** Runs the jobs of all stages in parallel, so that no core waits for the last job of a stage. */
async function runStages(chosen: readonly Stage[], options: StageOptions): Promise<TestResults> {
  const ofStages: TestJob[][] = [];
  for (const stage of chosen)
    ofStages.push(await stage.jobs(options).catch((error) => [failed(stage, messageOf(error))]));
  const built = chosen.some(({ needsBuild }) => needsBuild) ? await build() : sum([]);
  const jobs = chosen.flatMap((stage, at): TestJob[] => {
    const heading = said(`\n${stage.title}\n${'─'.repeat(stage.title.length)}\n`);
    const isReady = !stage.needsBuild || built.failures.length === 0;
    return [heading, ...(isReady ? (ofStages[at] ?? []) : [failed(stage, 'skipped because the build failed.')])];
  });
  return sum([built, await inParallel(jobs)]);
}

/** A job that only reports why a stage can't run. */
function failed({ title }: Stage, problem: string): TestJob {
  return said(`  ✘ ${problem}\n`, [`${title}: ${problem}`]);
}

async function build(): Promise<TestResults> {
  const started = Date.now();
  console.log('\nBuild\n─────');
  try {
    await buildAll(['--tests']);
  } catch (error) {
    const problem = messageOf(error);
    console.log(`  ✘ ${problem}`);
    return { passed: 0, failures: [problem] };
  }
  console.log(`  ✔ the build succeeds (${Date.now() - started} ms)`);
  return { passed: 1, failures: [] };
}

// Every process of Node.js that a test starts then loads what others have compiled.
process.env.NODE_COMPILE_CACHE ??= join(vscodeTestFolder, 'compile-cache');
try {
  await exit(await main());
} catch (error) {
  console.log(messageOf(error));
  console.log('0 passed, 1 failed');
  await exit(1);
}
