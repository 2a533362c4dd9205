import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { AccountError } from '../../../src/modal/accounts.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import { MINUTE_MS, MORNING, scenesOfOneMachine, target } from './warm-scene.ts';

describe('WarmUps that fail', () => {
  const scene = scenesOfOneMachine();

  it('stops a sandbox that failed its health check, and never uses it', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    s.prepare = async () => {
      throw new Error('no torch');
    };
    await s.until(s.warmUps.update());
    assert.equal(s.living.size, 0);
    assert.equal(s.log.filter((line) => line.startsWith('start')).length, 3, 'three attempts');
    assert.match((await s.warmUps.records())[0]?.error ?? '', /no torch/);
    assert.equal(s.pool.take(folder, named), undefined);
  });

  it('cancels a refresh that hangs after ten minutes, and records why', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    s.image = () => new Promise(() => {});
    await s.until(s.warmUps.update());
    const [record] = await s.warmUps.records();
    assert.equal(record?.error, strings.warmUpTimedOut());
    assert.equal((record?.endedAt ?? 0) - (record?.startedAt ?? 0), 10 * MINUTE_MS);
    assert.equal(s.living.size, 0);
  });

  it('retries with growing delays when throttled, and records a failure that persists', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    const triedAt: number[] = [];
    s.image = async () => {
      triedAt.push(s.time.now());
      throw Object.assign(new Error('slow down'), { code: 8 });
    };
    await s.until(s.warmUps.update(), 500);
    const [first = 0, second = 0, third = 0] = triedAt.map((at) => at - MORNING);
    assert.equal(triedAt.length, 3);
    // 2 s and 8 s, plus half of each as jitter. Time passes in steps, a few of which may elapse while files are written.
    const isAbout = (pauseMs: number, expectedMs: number) => pauseMs >= expectedMs && pauseMs <= expectedMs + 2_000;
    assert.ok(isAbout(second - first, 3_000), `${second - first}`);
    assert.ok(isAbout(third - second, 12_000), `${third - second}`);
    assert.match((await s.warmUps.records())[0]?.error ?? '', /Modal has no capacity right now.*\(slow down\)/);
    s.image = async () => 'im-1';
    await s.minutes(29);
    assert.equal(s.living.size, 0, 'nothing is attempted before the next refresh');
    await s.minutes(2);
    assert.equal(s.living.size, 1);
  });

  it('waits at most ten minutes for a start that hangs, and stops the sandbox if it starts later', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 1_000 }));
    await s.warmUps.update();
    s.pool.take(folder, named);
    const gate = Promise.withResolvers<void>();
    s.prepare = () => gate.promise;
    await s.until(s.warmUps.update());
    assert.equal(s.time.now() - MORNING, 10 * MINUTE_MS);
    gate.resolve();
    await turn();
    assert.deepEqual([...s.living], ['a-1'], 'only the sandbox that a run has taken');
  });

  it('pauses when the account is signed out, and resumes when there is one again', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.pauseReason = new AccountError('No account is chosen.');
    await s.minutes(40);
    assert.match(s.warmUps.pauseReason(folder, 'p')?.text ?? '', /^No account is chosen\. Sign in/);
    assert.equal(s.refreshes(), 1);
    s.pauseReason = undefined;
    await s.minutes(1);
    assert.equal(s.refreshes(), 2);
  });

  it("doesn't retry when the account is rejected", async () => {
    const s = scene();
    s.targets = [target({ refresh: 30 })];
    let failures = 0;
    s.image = async () => {
      failures += 1;
      throw Object.assign(new Error('bad token'), { code: 16 });
    };
    await s.warmUps.update();
    assert.equal(failures, 1);
    assert.match((await s.warmUps.records())[0]?.error ?? '', /didn't accept the token/);
  });
});
