/** Skips the test (or, in a `before`, the suite) on a machine where it cannot hold, and says why. */
export function skipUnless(context: Mocha.Context, canHold: boolean, reason: string): void {
  if (canHold) return;
  console.log(`    Skipped: ${reason}`);
  context.skip();
}
