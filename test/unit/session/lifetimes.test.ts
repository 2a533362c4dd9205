import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { Lifetimes } from '../../../src/session/lifetimes.ts';
import type { Life } from '../../../src/session/session.ts';
import { Time } from '../../helpers/time.ts';

const MINUTE_MS = 60_000;

function life(endsAt: number, timeoutMs: number): Life {
  const profile = ProfileSchema.parse({ timeoutMs, idleTimeoutMs: 60_000 });
  return { folder: { name: 'f', path: '/f' }, named: { name: 'p', profile }, sandbox: {} as Sandbox, endsAt };
}

describe('the lifetimes of sandboxes', () => {
  let time: Time;
  let lives: Life[];
  let told: Life[];
  let lifetimes: Lifetimes;
  beforeEach(() => {
    time = new Time();
    lives = [];
    told = [];
    lifetimes = new Lifetimes({ clock: time, lives: async () => lives, onNearEnd: (each) => told.push(each) });
  });

  async function minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) await time.pass(MINUTE_MS);
  }

  it('are told ten minutes before the end, once', async () => {
    lives = [life(240 * MINUTE_MS, 240 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(229);
    assert.equal(told.length, 0);
    await minutes(2);
    assert.equal(told.length, 1);
    await minutes(20);
    assert.equal(told.length, 1);
  });

  it('that are short are told in their last tenth', async () => {
    lives = [life(20 * MINUTE_MS, 20 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(17);
    assert.equal(told.length, 0);
    await minutes(2);
    assert.equal(told.length, 1);
  });

  it('are told at once after a sleep that went over the moment', async () => {
    lives = [life(60 * MINUTE_MS, 60 * MINUTE_MS)];
    await lifetimes.update();
    await time.pass(58 * MINUTE_MS);
    assert.equal(told.length, 1);
  });

  it('set no timer while there is no sandbox', async () => {
    await lifetimes.update();
    assert.deepEqual(time.next(), []);
    lives = [life(60 * MINUTE_MS, 60 * MINUTE_MS)];
    await lifetimes.update();
    assert.equal(time.next().length, 1);
    lives = [];
    await lifetimes.update();
    assert.deepEqual(time.next(), []);
  });
});
