import type { TestJob } from './in-parallel.ts';

/** Options from the command line of `npm test`. */
export interface StageOptions {
  /** The absolute paths of test files or folders. Empty means all. */
  readonly files: readonly string[];
  /** Runs only tests whose title contains this text. */
  readonly grep: string | undefined;
}

/** A part of `npm test`. */
export interface Stage {
  readonly name: string;
  readonly title: string;
  /** True if the stage needs the bundles in `dist`. */
  readonly needsBuild: boolean;
  /**
   * Returns its jobs, the longest first. May use `dist` until then, but not afterwards, when other stages use it. Rejects if no
   * file matches.
   */
  jobs(options: StageOptions): Promise<TestJob[]>;
}
