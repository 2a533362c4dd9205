import { strict as assert } from 'node:assert';
import { strings } from '../../../src/sandboxes/strings.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { MINUTE_MS, MORNING, scenesOfOneMachine, target } from './warm-scene.ts';

describe('WarmUps schedule', () => {
  const scene = scenesOfOneMachine();

  it('makes no calls and sets no timer while no profile is warm', async () => {
    const { warmUps, time, log } = scene();
    await warmUps.update();
    assert.deepEqual(time.next(), []);
    await time.pass(10 * MINUTE_MS);
    assert.deepEqual(log, []);
  });

  it('starts a sandbox at once, and refreshes on schedule for a day', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: '0 * * * *', timezone: 'UTC', maxAgeMs: 86_400_000 }));
    await s.warmUps.update();
    assert.equal(s.pool.count(folder, 'p'), 1);
    await s.minutes(24 * 60);
    assert.equal(s.refreshes(), 25);
    assert.equal(s.living.size, 1);
    assert.equal((await s.warmUps.records()).length, 25);
  });

  it('makes up for refreshes missed during sleep only once', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30 })];
    await s.warmUps.update();
    await s.time.pass(9 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.refreshes(), 2);
    await s.minutes(29);
    assert.equal(s.refreshes(), 2);
    await s.minutes(2);
    assert.equal(s.refreshes(), 3);
  });

  it('refreshes on time when the clock is set back, and once when it is set forward', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    await s.time.set(MORNING - 5 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.log.at(-1), 'touch a-1');
    await s.minutes(31);
    assert.equal(s.refreshes(), 2);
    await s.time.set(MORNING + 5 * 60 * MINUTE_MS);
    await s.rest();
    assert.equal(s.refreshes(), 3);
    await s.minutes(29);
    assert.equal(s.refreshes(), 3);
  });

  it('follows the local time of its time zone when daylight saving time changes', async () => {
    const s = scene();
    s.time.set(Date.parse('2026-10-24T12:00:00Z'));
    s.want(target({ refresh: '30 8 * * *', timezone: 'Europe/Berlin' }));
    await s.warmUps.update();
    const before = s.refreshes();
    await s.time.set(Date.parse('2026-10-25T07:29:00Z'));
    await s.rest();
    assert.equal(s.refreshes(), before, '08:29 in winter time, which was 09:29 in summer time');
    await s.minutes(1);
    assert.equal(s.refreshes(), before + 1);
    await s.time.set(Date.parse('2027-03-28T06:29:00Z'));
    await s.rest();
    const spring = s.refreshes();
    await s.minutes(1);
    assert.equal(s.refreshes(), spring + 1, '08:30 in summer time');
  });

  it('refreshes in one window at a time, and records the refreshes of all windows', async () => {
    const a = scene('a');
    const b = scene('b');
    const gate = Promise.withResolvers<string>();
    a.image = () => gate.promise;
    a.targets = [target({ refresh: 30 })];
    b.targets = [target({ refresh: 30 })];
    const first = a.warmUps.update();
    await waitFor(
      'a refresh',
      5_000,
      async () => a.refreshes(),
      (count) => count > 0,
    );
    await b.warmUps.update();
    assert.equal(b.refreshes(), 0, 'the other window refreshes');
    gate.resolve('image built');
    await first;
    await b.minutes(1);
    assert.equal(b.refreshes(), 1);
    assert.equal((await b.warmUps.records()).length, 2);
  });

  it('keeps the image current and probes it for a profile without warm sandboxes', async () => {
    const s = scene();
    s.targets = [target({ sandboxes: 0, refresh: 30 })];
    await s.warmUps.update();
    assert.deepEqual(s.log, ['image', 'start a-1', 'end a-1']);
    assert.deepEqual((await s.warmUps.records())[0]?.did, [strings.imageReady(), strings.probePassed()]);
  });
});
