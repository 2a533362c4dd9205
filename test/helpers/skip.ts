/** Skips the test (or, in a `before`, the suite) on a computer where it can't pass, and prints the reason. */
export function skipUnless(context: Mocha.Context, canHold: boolean, reason: string): void {
  if (canHold) return;
  console.log(`    Skipped: ${reason}`);
  context.skip();
}
