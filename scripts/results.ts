/** What tests and checks resulted in. */
export interface TestResults {
  readonly passed: number;
  /** The title of each test that failed, and below it, why. */
  readonly failures: readonly string[];
}

/** Adds results. */
export function sum(results: readonly TestResults[]): TestResults {
  return {
    passed: results.reduce((total, { passed }) => total + passed, 0),
    failures: results.flatMap(({ failures }) => failures),
  };
}
