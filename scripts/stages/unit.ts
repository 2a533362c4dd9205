import { dirname } from 'node:path';
import { groupsOf } from './in-parallel.ts';
import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** Tests that don't need VS Code, in a separate process for each folder. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  jobs: async ({ files, grep }) =>
    groupsOf(testFiles('test/unit', files), dirname).map(
      ([, ofFolder]) =>
        (write) =>
          mochaInNode({ files: ofFolder, grep, testTimeoutMs: 20_000, timeoutMs: 900_000, write }),
    ),
};
