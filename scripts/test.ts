/**
 * `npm test`: runs all test stages in order. `npm test -- unit integration` runs only these stages, and
 * `npm test -- unit test/unit/sync` only these files. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAll } from './build-all.ts';
import { exit } from './cleanup.ts';
import { fromWhereNpmRan } from './paths.ts';
import { sum, type TestResults } from './results.ts';
import { messageOf } from './say.ts';
import { check } from './stages/check.ts';
import { endToEnd } from './stages/end-to-end.ts';
import { gvisor } from './stages/gvisor.ts';
import { integration } from './stages/integration.ts';
import type { Stage, StageOptions } from './stages/stage.ts';
import { ui } from './stages/ui.ts';
import { unit } from './stages/unit.ts';

const STAGES: readonly Stage[] = [check, unit, gvisor, integration, ui, endToEnd];

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
  const total = sum(await runStages(chosen, { files, grep: values.grep }));
  // Once more at the end, where one begins to read a long output.
  if (total.failures.length > 0) console.log(`\nFailed\n──────\n${total.failures.join('\n\n')}`);
  console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
  console.log(`${total.passed} passed, ${total.failures.length} failed`);
  return total.failures.length === 0 ? 0 : 1;
}

async function runStages(chosen: readonly Stage[], options: StageOptions): Promise<TestResults[]> {
  const results: TestResults[] = [];
  let built: TestResults | undefined;
  for (const stage of chosen) {
    if (stage.needsBuild && built === undefined) {
      built = await runOne('Build', build);
      results.push(built);
    }
    if (stage.needsBuild && built && built.failures.length > 0) {
      const problem = `${stage.title}: skipped because the build failed.`;
      console.log(`\n${problem}`);
      results.push({ passed: 0, failures: [problem] });
    } else results.push(await runOne(stage.title, () => stage.run(options)));
  }
  return results;
}

async function runOne(title: string, run: () => Promise<TestResults>): Promise<TestResults> {
  console.log(`\n${title}\n${'─'.repeat(title.length)}`);
  try {
    return await run();
  } catch (error) {
    const problem = `${title}: ${messageOf(error)}`;
    console.log(`  ✘ ${problem}`);
    return { passed: 0, failures: [problem] };
  }
}

async function build(): Promise<TestResults> {
  const started = Date.now();
  await buildAll();
  console.log(`  ✔ the build succeeds (${Date.now() - started} ms)`);
  return { passed: 1, failures: [] };
}

try {
  await exit(await main());
} catch (error) {
  console.log(messageOf(error));
  console.log('0 passed, 1 failed');
  await exit(1);
}
