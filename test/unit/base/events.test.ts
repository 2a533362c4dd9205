import assert from 'node:assert/strict';
import { Emitter } from '../../../src/base/events.ts';

describe('Emitter', () => {
  it('calls listeners in order until they are disposed', () => {
    const emitter = new Emitter<number>();
    const seen: string[] = [];
    const first = emitter.event((value) => seen.push(`first ${value}`));
    emitter.event((value) => seen.push(`second ${value}`));
    emitter.fire(1);
    first.dispose();
    emitter.fire(2);
    emitter.dispose();
    emitter.fire(3);
    assert.deepEqual(seen, ['first 1', 'second 1', 'second 2']);
  });

  it('calls the remaining listeners when one throws, and then throws its error', () => {
    const emitter = new Emitter<void>();
    let called = false;
    emitter.event(() => {
      throw new Error('broken listener');
    });
    emitter.event(() => {
      called = true;
    });
    assert.throws(() => emitter.fire(), /broken listener/);
    assert.ok(called);
  });
});
