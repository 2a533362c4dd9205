import { setImmediate as turn } from 'node:timers/promises';

/** Items that are sorted, or merged, before other work has its turn: a few milliseconds' worth. */
const SORTED_AT_ONCE = 1_000;
const MERGED_AT_ONCE = 5_000;

type Compare<T> = (one: T, other: T) => number;

/** As `toSorted`, but that other work of the thread has its turn in between: long lists hold nothing up. */
export async function sortInSlices<T>(items: readonly T[], compare: Compare<T>): Promise<T[]> {
  let runs: T[][] = [];
  for (let start = 0; start < items.length; start += SORTED_AT_ONCE) {
    if (start > 0) await turn();
    runs.push(items.slice(start, start + SORTED_AT_ONCE).sort(compare));
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let index = 0; index < runs.length; index += 2)
      merged.push(await merge(runs[index] ?? [], runs[index + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(left: readonly T[], right: readonly T[], compare: Compare<T>): Promise<T[]> {
  await turn();
  const merged: T[] = [];
  let [fromLeft, fromRight] = [0, 0];
  while (fromLeft < left.length && fromRight < right.length) {
    const [one, other] = [left[fromLeft] as T, right[fromRight] as T];
    // Of equals the left one comes first, as it did.
    if (compare(one, other) <= 0) {
      merged.push(one);
      fromLeft += 1;
    } else {
      merged.push(other);
      fromRight += 1;
    }
    if (merged.length % MERGED_AT_ONCE === 0) await turn();
  }
  return merged.concat(left.slice(fromLeft), right.slice(fromRight));
}
