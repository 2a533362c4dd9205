import { setImmediate as turn } from 'node:timers/promises';

/** The number of items to sort or merge before yielding to other work: a few milliseconds. */
const SORTED_AT_ONCE = 1_000;
const MERGED_AT_ONCE = 5_000;

type Compare<T> = (one: T, other: T) => number;

/** Sorts like `toSorted`, but yields to other work in between, so that long lists don't block the thread. */
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
    // Equal items keep their order.
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
