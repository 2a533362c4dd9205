import { groupsOf } from './in-parallel.ts';
import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** The commands in the README, as users run them. */
export const endToEnd: Stage = {
  name: 'end-to-end',
  title: 'End to end (npm start)',
  needsBuild: false,
  jobs: async ({ files, grep }) =>
    groupsOf(testFiles('test/end-to-end', files), String).map(
      ([, ofJob]) =>
        (write) =>
          mochaInNode({ files: ofJob, grep, testTimeoutMs: 120_000, timeoutMs: 600_000, write }),
    ),
};
