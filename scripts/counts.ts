/** The numbers of tests that passed and failed. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
}

export const ONE_PASSED: TestCounts = { passed: 1, failed: 0 };
export const ONE_FAILED: TestCounts = { passed: 0, failed: 1 };

/** Adds counts. */
export function sum(counts: readonly TestCounts[]): TestCounts {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
  };
}
