import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import { eachLimited } from '../../../src/base/each-limited.ts';

describe('eachLimited', () => {
  it('runs at most the given number of calls at a time', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await eachLimited([5, 1, 4, 2, 3], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let left = item; left > 0; left -= 1) await tick();
      running -= 1;
      done.push(item);
    });
    assert.equal(most, 2);
    assert.deepEqual(done.sort(), [1, 2, 3, 4, 5]);
  });

  it('starts no further call after a failure, and rejects once the running ones have settled', async () => {
    const started: number[] = [];
    let settled = false;
    const running = eachLimited([0, 1, 2, 3], 2, async (item) => {
      started.push(item);
      if (item === 0) throw new Error('no');
      await tick();
      settled = true;
    });
    await assert.rejects(running, /no/);
    assert.deepEqual(started, [0, 1]);
    assert.ok(settled);
  });
});
