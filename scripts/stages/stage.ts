import type { TestResults } from '../results.ts';

/** Options from the command line of `npm test`. */
export interface StageOptions {
  /** The absolute paths of test files or folders. Empty means all. */
  readonly files: readonly string[];
  /** Runs only tests whose title contains this text. */
  readonly grep: string | undefined;
}

/** A part of `npm test`. A stage that throws counts as one failure. */
export interface Stage {
  readonly name: string;
  readonly title: string;
  /** True if the stage needs the bundles in `dist`. */
  readonly needsBuild: boolean;
  run(options: StageOptions): Promise<TestResults>;
}
