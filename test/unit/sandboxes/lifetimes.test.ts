import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { Lifetimes } from '../../../src/sandboxes/lifetimes.ts';
import type { SandboxLifetime } from '../../../src/sandboxes/session.ts';
import { Time } from '../../helpers/time.ts';

const MINUTE_MS = 60_000;

/** Times are in milliseconds. By default, the idle timeout is at the end of the lifetime. */
function lifetime(endsAt: number, timeoutMs: number, idleAt = endsAt, needsSaving = false): SandboxLifetime {
  const profile = ProfileSchema.parse({ timeoutMs, idleTimeoutMs: 60_000 });
  const folder = { name: 'f', path: '/f' };
  return { folder, named: { name: 'p', profile }, sandbox: {} as Sandbox, endsAt, idleAt, needsSaving };
}

describe('Lifetimes', () => {
  let time: Time;
  let current: SandboxLifetime[];
  let announced: SandboxLifetime[];
  let checked: SandboxLifetime[];
  let saved: SandboxLifetime[];
  let isBusy: boolean;
  let lifetimes: Lifetimes;
  beforeEach(() => {
    time = new Time();
    current = [];
    announced = [];
    checked = [];
    saved = [];
    isBusy = false;
    lifetimes = new Lifetimes({
      clock: time,
      lifetimes: async () => current,
      isBusy: () => isBusy,
      save: async (each) => {
        saved.push(each);
        current = [];
      },
      check: async (each) => {
        checked.push(each);
      },
    });
    lifetimes.onNearEnd((each) => announced.push(each));
  });

  async function minutes(count: number): Promise<void> {
    for (let minute = 0; minute < count; minute += 1) await time.pass(MINUTE_MS);
  }

  it('saves files that are lost otherwise before the idle timeout, unless a program is running', async () => {
    const unsaved = lifetime(240 * MINUTE_MS, 240 * MINUTE_MS, 5 * MINUTE_MS, true);
    current = [unsaved];
    isBusy = true;
    await lifetimes.update();
    await minutes(4);
    assert.deepEqual(saved, []);
    isBusy = false;
    await time.pass(MINUTE_MS - 1_000);
    await lifetimes.update();
    assert.deepEqual([saved, checked], [[unsaved], []]);
  });

  it('announces the end of a lifetime ten minutes before, once', async () => {
    current = [lifetime(240 * MINUTE_MS, 240 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(229);
    assert.equal(announced.length, 0);
    await minutes(2);
    assert.equal(announced.length, 1);
    await minutes(20);
    assert.equal(announced.length, 1);
  });

  it('announces the end of a short lifetime in its last tenth', async () => {
    current = [lifetime(20 * MINUTE_MS, 20 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(17);
    assert.equal(announced.length, 0);
    await minutes(2);
    assert.equal(announced.length, 1);
  });

  it('announces the end at once after a sleep past that time', async () => {
    current = [lifetime(60 * MINUTE_MS, 60 * MINUTE_MS)];
    await lifetimes.update();
    await time.pass(58 * MINUTE_MS);
    assert.equal(announced.length, 1);
  });

  it('checks a sandbox at its idle timeout, and then every minute', async () => {
    current = [lifetime(240 * MINUTE_MS, 240 * MINUTE_MS, 10.5 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(10);
    assert.equal(checked.length, 0, 'nothing is checked before the idle timeout');
    assert.deepEqual(time.next(), [32_000], 'the next check is at the idle timeout');
    await time.pass(32_000);
    assert.equal(checked.length, 1);
    await minutes(3);
    assert.equal(checked.length, 4, 'something else may keep it running');
    current = [];
    await minutes(3);
    assert.equal(checked.length, 4);
  });

  it("doesn't check a sandbox in which this window is running a program", async () => {
    current = [lifetime(240 * MINUTE_MS, 240 * MINUTE_MS, MINUTE_MS)];
    isBusy = true;
    await lifetimes.update();
    await minutes(20);
    assert.equal(checked.length, 0);
    isBusy = false;
    await minutes(1);
    assert.equal(checked.length, 1);
  });

  it('checks a sandbox later if it was used in the meantime', async () => {
    current = [lifetime(240 * MINUTE_MS, 240 * MINUTE_MS, 10 * MINUTE_MS)];
    await lifetimes.update();
    await minutes(9);
    current = [{ ...(current[0] as SandboxLifetime), idleAt: 19 * MINUTE_MS }];
    await minutes(10);
    assert.equal(checked.length, 0);
    await minutes(1);
    assert.equal(checked.length, 1);
  });

  it('sets no timer while there are no sandboxes', async () => {
    await lifetimes.update();
    assert.deepEqual(time.next(), []);
    current = [lifetime(60 * MINUTE_MS, 60 * MINUTE_MS)];
    await lifetimes.update();
    assert.equal(time.next().length, 1);
    current = [];
    await lifetimes.update();
    assert.deepEqual(time.next(), []);
  });
});
