import { sum, type TestCounts } from '../counts.ts';
import { type MochaInNode, mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** Folders whose tests run in a process beside that of all others: about half of the time, much of it spent waiting. */
const BESIDE = /[\\/]unit[\\/](run|sync)[\\/]/;

/** What needs no VS Code. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  run: async ({ files, grep }) => {
    const all = testFiles('test/unit', files);
    const options = { grep, testTimeoutMs: 20_000, stageTimeoutMs: 900_000 };
    if (files.length > 0) return mochaInNode({ ...options, files: all });
    return sideBySide(
      { ...options, files: all.filter((file) => !BESIDE.test(file)) },
      { ...options, files: all.filter((file) => BESIDE.test(file)) },
    );
  },
};

/** Runs two processes of tests at once. What the second one says comes when the first one has ended. */
async function sideBySide(first: MochaInNode, second: MochaInNode): Promise<TestCounts> {
  const said: Buffer[] = [];
  const later = mochaInNode({ ...second, onOutput: (bytes) => said.push(bytes) });
  later.catch(() => {});
  const counts = await mochaInNode(first);
  try {
    return sum([counts, await later]);
  } finally {
    process.stdout.write(Buffer.concat(said));
  }
}
