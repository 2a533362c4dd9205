/**
 * Calls `work` for each item, at most `limit` at a time. Starts no further items after the first failure, and rejects with
 * it once the running calls have settled.
 */
export async function eachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  const waiting = [...items].entries();
  let failed = false;
  let failure: unknown;
  const worker = async () => {
    for (const [index, item] of waiting) {
      if (failed) return;
      try {
        await work(item, index);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failed) throw failure;
}
