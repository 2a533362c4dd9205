/** The entry point of the integration tests in the extension host: VS Code calls `run`. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { runMocha } from '../../scripts/mocha/run-mocha.ts';
import type { TestResults } from '../../scripts/results.ts';
import { connectRelay } from '../../scripts/vscode/relay.ts';

const testTimeoutMs = 120_000;

/** Runs the test files in `TEST_FILES`, or, under a debugger, those of the launch in `TEST_LAUNCH`. */
export async function run(): Promise<void> {
  const { TEST_FILES, TEST_LAUNCH, TEST_GREP } = process.env;
  const options = { timeoutMs: testTimeoutMs, grep: TEST_GREP };
  if (TEST_FILES === undefined) {
    const files = globSync(join(__dirname, 'integration', TEST_LAUNCH ?? '*', '**', '*.test.cjs'));
    const { failures } = await runMocha({ ...options, files, timeoutMs: 0 });
    if (failures.length > 0) throw new Error(`${failures.length} tests failed.`);
    return;
  }
  const relay = await connectRelay<TestResults>();
  // VS Code's own console can't be patched, only replaced.
  const print = (...args: unknown[]) => relay.write(`${format(...args)}\n`);
  globalThis.console = { ...console, log: print, info: print };
  await relay.finish(await runMocha({ ...options, files: JSON.parse(TEST_FILES) as string[] }));
}
