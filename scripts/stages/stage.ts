import type { TestCounts } from '../counts.ts';

/** What the command line of `npm test` asks of a stage. */
export interface StageOptions {
  /** Absolute paths of test files; empty for all. */
  readonly files: readonly string[];
  /** Only tests whose title holds this. */
  readonly grep: string | undefined;
}

/** One part of `npm test`. A stage that throws counts as one failure. */
export interface Stage {
  readonly name: string;
  readonly title: string;
  /** Whether it needs `dist`. */
  readonly needsBuild: boolean;
  run(options: StageOptions): Promise<TestCounts>;
}
