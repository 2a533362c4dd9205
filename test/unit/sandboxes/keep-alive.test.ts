import assert from 'node:assert/strict';
import { KeepAlive } from '../../../src/sandboxes/keep-alive.ts';
import { Time } from '../../helpers/time.ts';

describe('KeepAlive', () => {
  let time: Time;
  let touched: string[];
  let ended: boolean;
  let kept: KeepAlive;
  beforeEach(() => {
    time = new Time();
    touched = [];
    ended = false;
    kept = new KeepAlive(async (id) => {
      touched.push(id);
      if (ended) throw new Error('ended');
    }, time);
  });

  it('touches a sandbox repeatedly before its idle timeout', async () => {
    kept.keep('sb-1', 600_000);
    for (let n = 0; n < 3; n++) await time.pass(200_000);
    assert.deepEqual(touched, ['sb-1', 'sb-1', 'sb-1']);
  });

  it('stops touching a sandbox when released, or when the window closes', async () => {
    kept.keep('sb-1', 600_000);
    kept.keep('sb-2', 600_000);
    kept.release('sb-1');
    await time.pass(200_000);
    assert.deepEqual(touched, ['sb-2']);
    kept.dispose();
    await time.pass(200_000);
    assert.deepEqual(touched, ['sb-2']);
  });

  it('stops touching a sandbox that has ended', async () => {
    kept.keep('sb-1', 600_000);
    ended = true;
    await time.pass(200_000);
    await time.pass(200_000);
    assert.deepEqual([touched, kept.has('sb-1')], [['sb-1'], false]);
  });
});
