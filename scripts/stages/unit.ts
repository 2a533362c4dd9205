import { dirname } from 'node:path';
import { groupsOf, inParallel } from './in-parallel.ts';
import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** Two such jobs use two thirds of two cores, because they also wait for timers and the ends of processes. */
const MAX_PARALLEL = 3;

/** Tests that don't need VS Code, in a separate process for each folder. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  run: ({ files, grep }) =>
    inParallel(
      groupsOf(testFiles('test/unit', files), dirname).map(
        ([, ofFolder]) =>
          (write) =>
            mochaInNode({ files: ofFolder, grep, testTimeoutMs: 20_000, timeoutMs: 900_000, write }),
      ),
      MAX_PARALLEL,
    ),
};
