/**
 * `npm test`: runs all test stages in order. `npm test -- unit integration` runs only these stages, and
 * `npm test -- unit test/unit/sync` only these files. The last line is `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAll } from './build-all.ts';
import { exit } from './cleanup.ts';
import { ONE_FAILED, ONE_PASSED, sum, type TestCounts } from './counts.ts';
import { fromWhereNpmRan } from './paths.ts';
import { messageOf } from './say.ts';
import { check } from './stages/check.ts';
import { endToEnd } from './stages/end-to-end.ts';
import { integration } from './stages/integration.ts';
import type { Stage, StageOptions } from './stages/stage.ts';
import { ui } from './stages/ui.ts';
import { unit } from './stages/unit.ts';

const STAGES: readonly Stage[] = [check, unit, integration, ui, endToEnd];

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
  console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

async function runStages(chosen: readonly Stage[], options: StageOptions): Promise<TestCounts[]> {
  const counts: TestCounts[] = [];
  let built: TestCounts | undefined;
  for (const stage of chosen) {
    if (stage.needsBuild && built === undefined) {
      built = await runOne('Build', build);
      counts.push(built);
    }
    if (stage.needsBuild && built?.failed) {
      console.log(`\n${stage.title}: skipped because the build failed.`);
      counts.push(ONE_FAILED);
    } else counts.push(await runOne(stage.title, () => stage.run(options)));
  }
  return counts;
}

async function runOne(title: string, run: () => Promise<TestCounts>): Promise<TestCounts> {
  console.log(`\n${title}\n${'─'.repeat(title.length)}`);
  try {
    return await run();
  } catch (error) {
    console.log(`  ✘ ${title}: ${messageOf(error)}`);
    return ONE_FAILED;
  }
}

async function build(): Promise<TestCounts> {
  const started = Date.now();
  await buildAll();
  console.log(`  ✔ the build succeeds (${Date.now() - started} ms)`);
  return ONE_PASSED;
}

try {
  await exit(await main());
} catch (error) {
  console.log(messageOf(error));
  console.log('0 passed, 1 failed');
  await exit(1);
}
