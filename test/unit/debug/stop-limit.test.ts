import assert from 'node:assert/strict';
import { MINUTE_MS } from '../../../src/base/clock.ts';
import { StopLimit } from '../../../src/debug/stop-limit.ts';
import { Time } from '../../helpers/time.ts';

describe('A program that has stopped at a breakpoint', () => {
  const event = (name: string) => ({ type: 'event', seq: 0, event: name }) as const;

  async function stopped(limitMs: number) {
    const time = new Time();
    const said: string[] = [];
    const limit = new StopLimit({
      clock: time,
      limitMs: async () => limitMs,
      warn: (remainingMs) => said.push(`${remainingMs / MINUTE_MS} left`),
      end: () => said.push('end'),
    });
    limit.noteSent(event('stopped'));
    await time.pass(0);
    return { time, said, limit };
  }

  it('is ended at its limit, after a warning', async () => {
    const { time, said } = await stopped(30 * MINUTE_MS);
    await time.pass(24 * MINUTE_MS);
    assert.deepEqual(said, []);
    await time.pass(MINUTE_MS);
    assert.deepEqual(said, ['5 left']);
    await time.pass(5 * MINUTE_MS);
    assert.deepEqual(said, ['5 left', 'end']);
    assert.deepEqual(time.next(), []);
  });

  it('is warned about when half of a short limit has passed', async () => {
    const { time, said } = await stopped(2 * MINUTE_MS);
    await time.pass(MINUTE_MS);
    assert.deepEqual(said, ['1 left']);
  });

  it('has its whole time again after the user has looked at something', async () => {
    const { time, said, limit } = await stopped(30 * MINUTE_MS);
    await time.pass(27 * MINUTE_MS);
    limit.noteUse();
    await time.pass(24 * MINUTE_MS);
    assert.deepEqual(said, ['5 left']);
  });

  it('says what it costs just once, even if threads stop one right after the other', async () => {
    const time = new Time();
    let reads = 0;
    const limit = new StopLimit({
      clock: time,
      limitMs: async () => {
        reads += 1;
        return MINUTE_MS;
      },
      warn() {},
      end() {},
    });
    for (let thread = 0; thread < 3; thread += 1) limit.noteSent(event('stopped'));
    await time.pass(0);
    assert.deepEqual([reads, time.next().length], [1, 1]);
  });

  it('has no limit once it continues', async () => {
    for (const name of ['continued', 'terminated']) {
      const { time, limit, said } = await stopped(MINUTE_MS);
      limit.noteSent(event(name));
      limit.noteUse();
      assert.deepEqual(time.next(), []);
      assert.deepEqual(said, []);
    }
  });
});
