import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { PolledStore } from '../../../src/views/common/polled-store.ts';
import { Time } from '../../helpers/time.ts';

/** A source that responds when the test says so. */
function source() {
  const waiting: PromiseWithResolvers<string[]>[] = [];
  let calls = 0;
  return {
    calls: () => calls,
    inFlight: () => waiting.length,
    load: () => {
      calls += 1;
      const next = Promise.withResolvers<string[]>();
      waiting.push(next);
      return next.promise;
    },
    answer: async (rows: string[]) => {
      waiting.shift()?.resolve(rows);
      await turn();
    },
    fail: async () => {
      waiting.shift()?.reject(new Error('unreachable'));
      await turn();
    },
  };
}

describe('PolledStore', () => {
  let time: Time;
  let rows: ReturnType<typeof source>;
  let store: PolledStore<string[]>;
  let changes: number;
  beforeEach(() => {
    time = new Time();
    rows = source();
    store = new PolledStore({ load: rows.load, pollIntervalMs: 1_000, clock: time });
    changes = 0;
    store.onDidChange(() => {
      changes += 1;
    });
  });

  it('makes no request before it is watched or afterwards', async () => {
    await store.refresh();
    assert.equal(rows.calls(), 0);
    store.watch(true);
    await rows.answer(['a']);
    store.watch(false);
    await time.pass(100_000);
    await store.refresh();
    assert.equal(rows.calls(), 1);
    assert.deepEqual(store.value, ['a'], 'the last value stays');
  });

  it('requests its value at once when it is watched, and then at intervals', async () => {
    store.watch(true);
    await rows.answer(['a']);
    await time.pass(999);
    assert.equal(rows.calls(), 1);
    await time.pass(1);
    assert.equal(rows.calls(), 2);
  });

  it('makes one request at a time, and one more however often it is refreshed meanwhile', async () => {
    store.watch(true);
    const all = [store.refresh(), store.refresh(), store.refresh()];
    assert.equal(rows.inFlight(), 1);
    await rows.answer(['old']);
    assert.equal(rows.inFlight(), 1);
    await rows.answer(['new']);
    await Promise.all(all);
    assert.deepEqual([store.value, rows.calls()], [['new'], 2]);
  });

  it('keeps its value while the next request is pending or if it fails, and reports the error', async () => {
    store.watch(true);
    await rows.answer(['a']);
    void store.refresh();
    assert.deepEqual(store.value, ['a']);
    await rows.fail();
    assert.deepEqual(store.value, ['a']);
    assert.match(store.error ?? '', /unreachable/);
    void store.refresh();
    await rows.answer(['a']);
    assert.equal(store.error, undefined);
  });

  it('polls less often after each failure, and at its interval again after a response', async () => {
    store.watch(true);
    for (const expected of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await rows.fail();
      assert.deepEqual(time.next(), [expected]);
      await time.pass(expected);
    }
    await rows.answer([]);
    assert.deepEqual(time.next(), [1_000]);
  });

  it('polls less often if responses are slow', async () => {
    store.watch(true);
    await time.pass(3_000);
    await rows.answer([]);
    assert.deepEqual(time.next(), [15_000]);
  });

  it('notifies listeners only of changes', async () => {
    store.watch(true);
    await rows.answer(['a']);
    void store.refresh();
    await rows.answer(['a']);
    assert.equal(changes, 1);
  });

  it('drops the response to a request made before it was reset', async () => {
    store.watch(true);
    await rows.answer(['one']);
    void store.refresh();
    store.reset();
    assert.equal(store.value, undefined);
    await rows.answer(['one']);
    assert.equal(store.value, undefined);
    await rows.answer(['two']);
    assert.deepEqual(store.value, ['two']);
  });
});
