import { mochaInNode } from './mocha-in-node.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './test-files.ts';

/** What needs no VS Code. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  run: async ({ files, grep }) =>
    mochaInNode({ files: testFiles('test/unit', files), grep, testTimeoutMs: 20_000, stageTimeoutMs: 900_000 }),
};
