import assert from 'node:assert/strict';
import { sortInSlices } from '../../../src/views/volumes/sort-in-slices.ts';

describe('sortInSlices', () => {
  /** Unordered numbers, the same in each run, with many duplicates. */
  const items = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ key: (index * 7919) % 5_003, index }));
  const byKey = (one: { key: number }, other: { key: number }) => one.key - other.key;

  for (const count of [0, 1, 999, 1_000, 1_001, 2_500, 20_000]) {
    it(`sorts ${count} items stably, and doesn't change the list`, async () => {
      const list = items(count);
      assert.deepEqual(await sortInSlices(list, byKey), list.toSorted(byKey));
      assert.deepEqual(list, items(count));
    });
  }

  it('yields to other work after a few thousand comparisons', async () => {
    let compared = 0;
    let max = 0;
    let turns: NodeJS.Immediate | undefined;
    const count = () => {
      max = Math.max(max, compared);
      compared = 0;
      turns = setImmediate(count);
    };
    count();
    await sortInSlices(items(20_000), (one, other) => {
      compared += 1;
      return byKey(one, other);
    });
    clearImmediate(turns);
    assert.ok(Math.max(max, compared) <= 20_000, `${max} comparisons in one turn`);
  });
});
