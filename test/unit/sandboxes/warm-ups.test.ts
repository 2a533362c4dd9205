import { strict as assert } from 'node:assert';

import { strings } from '../../../src/sandboxes/strings.ts';
import { waitFor } from '../../helpers/wait-for.ts';

import { scenesOfOneMachine, target } from './warm-scene.ts';

describe('warm-ups', () => {
  const scene = scenesOfOneMachine();

  it('keep a waiting sandbox from ending when idle, and replace one that has ended', async () => {
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

  it('replace sandboxes that are too old, and those of a profile that has changed', async () => {
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

  it('cost nothing while something stands against it, and say what', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 30 }));
    s.pauseReason = { text: 'the budget is spent' };
    await s.warmUps.update();
    await s.minutes(120);
    assert.deepEqual(s.log, []);
    assert.equal(s.warmUps.pauseReason(folder, 'p'), 'the budget is spent');
    s.pauseReason = undefined;
    await s.warmUps.update();
    assert.equal(s.living.size, 1);
    assert.equal(s.warmUps.pauseReason(folder, 'p'), undefined);
  });

  it('let what is warm end of being idle while they are paused, whatever changes in the folder', async () => {
    const s = scene();
    const { folder } = s.want(target({ refresh: 1_000 }, { idleTimeoutMs: 600_000 }));
    await s.warmUps.update();
    s.pauseReason = { text: 'the window is not in front' };
    await s.minutes(60);
    await s.warmUps.sync(folder);
    assert.deepEqual(s.log, ['image', 'start a-1']);
    s.living.clear();
    s.pauseReason = undefined;
    await s.warmUps.update();
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2'], 'there is one again as soon as they go on');
  });

  it('end what is warm at once when the budget is spent', async () => {
    const s = scene();
    s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.pauseReason = { text: 'the budget is spent', stopsSandboxes: true };
    await s.minutes(1);
    assert.deepEqual([...s.living], []);
  });

  it('check what is warm at each refresh, and replace what is not healthy any more', async () => {
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

  it('replace sandboxes of an older image, and those that have used up half of their lifetime', async () => {
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

  it('give out nothing of another account, and end it', async () => {
    const s = scene();
    const { folder, named } = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    s.account = 'other';
    assert.equal(s.pool.take(folder, named), undefined);
    await s.warmUps.update();
    assert.deepEqual([...s.living], ['a-2']);
    assert.equal(s.pool.take(folder, named)?.sandboxId, 'a-2');
  });

  it('do not end a sandbox that a run takes while it is synced, when that fails', async () => {
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

  it('start a replacement when a run has taken one', async () => {
    const s = scene();
    const wanted = s.want(target({ refresh: 30 }));
    await s.warmUps.update();
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-1');
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.take(wanted.folder, wanted.named)?.sandboxId, 'a-2');
    s.pauseReason = { text: 'the window is not in front' };
    await s.warmUps.replenish(wanted);
    assert.equal(s.pool.count(wanted.folder, 'p'), 0);
  });

  it('end a replacement that was being started when the budget was spent', async () => {
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
    assert.deepEqual([...s.living], ['a-1'], 'only what a run has taken');
  });

  it('end what is warm when the window ends', async () => {
    const s = scene();
    s.targets = [target({ sandboxes: 2, refresh: 30 })];
    await s.warmUps.update();
    assert.equal(s.living.size, 2);
    await s.warmUps.dispose();
    assert.equal(s.living.size, 0);
    assert.deepEqual(s.time.next(), []);
  });
});
