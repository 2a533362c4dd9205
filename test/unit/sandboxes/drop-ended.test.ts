import assert from 'node:assert/strict';
import { wallClock } from '../../../src/base/clock.ts';
import { dropAmong, dropIfEnded } from '../../../src/sandboxes/drop-ended.ts';
import { Lifetimes } from '../../../src/sandboxes/lifetimes.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const folder = { name: 'idle', path: '/somewhere/idle' };

describe('dropIfEnded', () => {
  let server: RunningLocalModal;
  let sessions: Sessions;
  let changes: number;

  beforeEach(async () => {
    server = await startLocalModal();
    changes = 0;
    const profile = { image: 'python:3.13-slim', hostVolume: false, idleTimeoutMs: 1_000 };
    sessions = sessionsOf(
      starterOf(() => accountOf(server)),
      profile,
    );
    sessions.onDidChange(() => changes++);
  });
  afterEach(async () => {
    await sessions.dispose();
    await server.stop();
  });

  const asked = async () => (await server.control.calls()).SandboxWaitV2 ?? 0;
  const profiles = () => sessions.profilesOf(folder);

  it('drops a sandbox at its idle timeout without a run, after a single call', async () => {
    const lifetimes = new Lifetimes({
      clock: wallClock,
      lifetimes: () => sessions.lifetimes(),
      isBusy: () => false,
      save: async () => {},
      check: ({ sandbox }) => dropIfEnded(sessions, sandbox),
    });
    await sessions.acquire(folder);
    const before = changes;
    await lifetimes.update();
    assert.equal(await asked(), 0);
    assert.deepEqual(profiles(), ['default']);
    await waitFor(
      'it to be dropped',
      15_000,
      async () => [profiles().length, changes - before],
      ([names, told]) => names === 0 && (told ?? 0) > 0,
    );
    assert.equal(await asked(), 1);
    lifetimes.dispose();
  });

  it('drops a sandbox that has ended, and keeps one that is running or whose state is unknown', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await dropIfEnded(sessions, sandbox);
    assert.deepEqual(profiles(), ['default']);
    await server.control.addFault({ method: 'SandboxWaitV2', code: 7 });
    await sandbox.terminate();
    await dropIfEnded(sessions, sandbox);
    assert.deepEqual(profiles(), ['default']);
    await server.control.clearFaults();
    await dropIfEnded(sessions, sandbox);
    assert.deepEqual(profiles(), []);
  });

  it('drops only the sandboxes that a list contains', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await dropAmong(sessions, new Set(['sb-another']));
    assert.deepEqual(profiles(), ['default']);
    await dropAmong(sessions, new Set([sandbox.sandboxId]));
    assert.deepEqual(profiles(), []);
  });
});
