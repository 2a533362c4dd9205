import type { RunResult } from '../../run/result.ts';

/** The account, as runs need it. */
export interface RunAccount {
  /** Offers to choose an account if none is chosen. Resolves with true if one is chosen then. */
  ensureChosen(): Promise<boolean>;
  /** Offers to sign in again because a run since `startedAt` (`performance.now()`) failed. Resolves with true if it can run now. */
  recover(message: string, startedAt: number): Promise<boolean>;
}

/** Runs, and runs again after the user has signed in if nothing could be run because of the account. */
export async function runInAccount(account: RunAccount, run: () => Promise<RunResult>): Promise<RunResult> {
  for (;;) {
    const startedAt = performance.now();
    const result = await run();
    if (result.outcome !== 'failed' || !result.needsAccount) return result;
    if (!(await account.recover(result.error, startedAt))) return result;
  }
}
