import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** The commands in the README, as users run them. */
export const endToEnd: Stage = {
  name: 'end-to-end',
  title: 'End to end (npm start)',
  needsBuild: false,
  run: async ({ files, grep }) =>
    mochaInNode({
      files: testFiles('test/end-to-end', files),
      grep,
      testTimeoutMs: 120_000,
      timeoutMs: 600_000,
      write: (bytes) => process.stdout.write(bytes),
    }),
};
