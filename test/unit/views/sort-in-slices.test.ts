import assert from 'node:assert/strict';
import { sortInSlices } from '../../../src/views/volumes/sort-in-slices.ts';

describe('sorting in slices', () => {
  /** Numbers in no order, the same in each run; many are equal. */
  const items = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ key: (index * 7919) % 5_003, index }));
  const byKey = (one: { key: number }, other: { key: number }) => one.key - other.key;

  for (const count of [0, 1, 999, 1_000, 1_001, 2_500, 20_000]) {
    it(`sorts ${count} as the language does, equals in their order, and leaves the list as it was`, async () => {
      const list = items(count);
      assert.deepEqual(await sortInSlices(list, byKey), list.toSorted(byKey));
      assert.deepEqual(list, items(count));
    });
  }

  it('lets other work have its turn after a few thousand comparisons', async () => {
    let compared = 0;
    let most = 0;
    let turns: NodeJS.Immediate | undefined;
    const look = () => {
      most = Math.max(most, compared);
      compared = 0;
      turns = setImmediate(look);
    };
    look();
    await sortInSlices(items(20_000), (one, other) => {
      compared += 1;
      return byKey(one, other);
    });
    clearImmediate(turns);
    assert.ok(Math.max(most, compared) <= 20_000, `${most} comparisons in one turn`);
  });
});
