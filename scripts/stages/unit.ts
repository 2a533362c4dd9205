import { dirname } from 'node:path';
import { mochaInNode } from './mocha-in-node.ts';
import { groupsOf, sideBySide } from './side-by-side.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** What needs no VS Code: a process for each folder. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  run: ({ files, grep }) =>
    sideBySide(
      groupsOf(testFiles('test/unit', files), dirname).map(
        ([, ofFolder]) =>
          (write) =>
            mochaInNode({ files: ofFolder, grep, testTimeoutMs: 20_000, timeoutMs: 900_000, write }),
      ),
    ),
};
