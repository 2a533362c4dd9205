import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { Lifetimes } from '../../../src/sandboxes/lifetimes.ts';
import type { SandboxLifetime } from '../../../src/sandboxes/session.ts';
import { Time } from '../../helpers/time.ts';

const MINUTE_MS = 60_000;

/** Times in milliseconds; it is idle at its end alone when nothing else is said. */
function life(endsAt: number, timeoutMs: number, idleAt = endsAt): SandboxLifetime {
  const profile = ProfileSchema.parse({ timeoutMs, idleTimeoutMs: 60_000 });
  return { folder: { name: 'f', path: '/f' }, named: { name: 'p', profile }, sandbox: {} as Sandbox, endsAt, idleAt };
}

describe('the lifetimes of sandboxes', () => {
  let time: Time;
  let lives: SandboxLifetime[];
  let told: SandboxLifetime[];
  let checked: SandboxLifetime[];
  let isBusy: boolean;
  let lifetimes: Lifetimes;
  beforeEach(() => {
    time = new Time();
    lives = [];
    told = [];
    checked = [];
    isBusy = false;
    lifetimes = new Lifetimes({
      clock: time,
      lifetimes: async () => lives,
      isBusy: () => isBusy,
      check: async (each) => {
        checked.push(each);
      },
    });
    lifetimes.onNearEnd((each) => told.push(each));
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

  it('are made sure of once their idle time is over, and then each minute', async () => {
    lives = [life(240 * MINUTE_MS, 240 * MINUTE_MS, 10.5 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(10);
    assert.equal(checked.length, 0, 'nothing is asked while it must live');
    assert.deepEqual(time.next(), [32_000], 'the next look is when its time is over');
    await time.pass(32_000);
    assert.equal(checked.length, 1);
    await minutes(3);
    assert.equal(checked.length, 4, 'others may keep it alive');
    lives = [];
    await minutes(3);
    assert.equal(checked.length, 4);
  });

  it('are not asked for while a program of this window runs in them', async () => {
    lives = [life(240 * MINUTE_MS, 240 * MINUTE_MS, MINUTE_MS)];
    isBusy = true;
    await lifetimes.update();
    await minutes(20);
    assert.equal(checked.length, 0);
    isBusy = false;
    await minutes(1);
    assert.equal(checked.length, 1);
  });

  it('that were used meanwhile are asked for later', async () => {
    lives = [life(240 * MINUTE_MS, 240 * MINUTE_MS, 10 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(9);
    lives = [{ ...(lives[0] as SandboxLifetime), idleAt: 19 * MINUTE_MS }];
    await minutes(10);
    assert.equal(checked.length, 0);
    await minutes(1);
    assert.equal(checked.length, 1);
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
