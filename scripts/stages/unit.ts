import { mochaInNode } from './mochaInNode.ts';
import type { Stage } from './stage.ts';
import { testFiles } from './testFiles.ts';

/** What needs no VS Code. */
export const unit: Stage = {
  name: 'unit',
  title: 'Unit tests (plain Node)',
  needsBuild: true,
  run: async ({ files, grep }) =>
    mochaInNode({ files: testFiles('test/unit', files), grep, testTimeoutMs: 10_000, stageTimeoutMs: 300_000 }),
};
