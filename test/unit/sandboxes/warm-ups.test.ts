import { strict as assert } from 'node:assert';

import { strings } from '../../../src/sandboxes/strings.ts';
import { waitFor } from '../../helpers/wait-for.ts';

import { scenesOfOneMachine, target } from './warm-scene.ts';

describe('WarmUps', () => {
  const scene = scenesOfOneMachine();

  it('keeps a waiting sandbox from reaching its idle timeout, and replaces one that has ended', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 1_000 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    await s.minutes(12);
    assert.deepEqual(
      s.log.filter((line) => line.startsWith('touch')),
      Array(3).fill('touch a-1'),
    );
    s.living.clear();
    await s.minutes(5);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('replaces sandboxes that are too old, and those of a profile that has changed', async () => {
    const s = scene();
    s.targets = [target({ refresh: 30, maxAgeMs: 3_600_000 })];
    await s.warmUps.update();
    await s.minutes(65);
    assert.deepEqual([...s.living], ['a-2']);
    s.targets = [target({ refresh: 30 }, { cpu: 2 })];
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-3']);
    s.targets = [];
    await s.warmUps.update();
    assert.deepEqual([...s.living], []);
    assert.deepEqual(s.time.next(), []);
  });

  it('costs nothing while paused, and gives the reason', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 30 }));
    s.pauseReason = { text: 'the budget is spent' };
    await s.warmUps.update();
    await s.minutes(120);
    assert.deepEqual(s.log, []);
    assert.equal(s.warmUps.pauseReason(folder, 'p')?.text, 'the budget is spent');
    s.pauseReason = undefined;
    await s.warmUps.update();
    assert.equal(s.living.size, 1);
    assert.equal(s.warmUps.pauseReason(folder, 'p'), undefined);
  });

  it('lets warm sandboxes reach their idle timeout while paused, whatever changes in the folder', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 1_000 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    s.pauseReason = { text: "the window doesn't have focus" };
    await s.minutes(60);
    await s.warmUps.sync(folder);
    assert.deepEqual(s.log, ['image', 'start a-1']);
    s.living.clear();
    s.pauseReason = undefined;
    await s.warmUps.update();
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2'], 'another one starts as soon as warm-ups resume');
  });

  it('stops warm sandboxes at once when the budget is spent', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.pauseReason = { text: 'the budget is spent', stopsSandboxes: true };
    await s.minutes(1);
    assert.deepEqual([...s.living], []);
  });

  it('checks warm sandboxes at each refresh, and replaces unhealthy ones', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.check = async (sandboxId) => {
      if (sandboxId === 'a-1') throw new Error('the disk is full');
    };
    await s.minutes(31);
    assert.deepEqual((await s.warmUps.records())[0]?.did, [
      strings.imageUnchanged(),
      strings.stoppedUnhealthySandboxes(1),
      strings.startedSandboxes(1),
    ]);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('replaces sandboxes of an outdated image, and those that have used up half of their lifetime', async () => {
    const s = scene();
    s.want(target({ refresh: 30, maxAgeMs: 86_400_000 }, { timeoutMs: 7_200_000, idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    s.image = async () => 'im-2';
    await s.minutes(31);
    assert.deepEqual([...s.living], ['a-2']);
    assert.deepEqual((await s.warmUps.records())[0]?.did, [
      strings.imageChanged(),
      strings.stoppedOldSandboxes(1),
      strings.startedSandboxes(1),
    ]);
    await s.minutes(61);
    assert.deepEqual([...s.living], ['a-3']);
  });

  it('stops sandboxes of another account, and never uses them', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.account = 'other';
    assert.equal(s.pool.take(folder, named), undefined);
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2']);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it("doesn't stop a sandbox that a run takes during a failing sync", async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    const gate = Promise.withResolvers<void>();
    s.sync = () => gate.promise;
    const syncing = s.warmUps.sync(folder);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-1');
    gate.reject(new Error('lost'));
    await syncing;
    assert.deepEqual([...s.living], ['a-1']);
  });

  it('starts a replacement when a run has taken a sandbox', async () => {
    const s = scene();
    const wanted = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-1');
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-2');
    s.pauseReason = { text: "the window doesn't have focus" };
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.count(wanted.folder, 'p'), 0);
  });

  it('stops a replacement that was starting when the budget was spent', async () => {
    const s = scene();
    const wanted = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.pool.take(wanted.folder, wanted.named);
    const gate = Promise.withResolvers<void>();
    s.prepare = () => gate.promise;
    const replenishing = s.warmUps.replenish(wanted);
    await waitFor('the replacement', 5_000, async () => s.living.has('a-2'), Boolean);
    s.pauseReason = { text: 'the budget is spent', stopsSandboxes: true };
    await s.warmUps.update();
    gate.resolve();
    await replenishing;
    assert.deepEqual([...s.living], ['a-1'], 'only the sandbox that a run has taken');
  });

  it('stops warm sandboxes when the window closes', async () => {
    const s = scene();
    s.targets = [target({ sandboxes: 2, refresh: 30 })];
    await s.warmUps.update();
    assert.equal(s.living.size, 2);
    await s.warmUps.dispose();
    assert.equal(s.living.size, 0);
    assert.deepEqual(s.time.next(), []);
  });
});
