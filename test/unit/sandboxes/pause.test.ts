import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { moveToNewSandbox, pause, pausedSnapshot, resume } from '../../../src/sandboxes/pause.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const folder = { name: 'paused', path: '/somewhere/paused' };

describe('Pausing a sandbox', () => {
  let server: RunningLocalModal;
  let sessions: Sessions;
  let snapshots: Snapshots;

  beforeEach(async () => {
    server = await startLocalModal();
    sessions = sessionsOf(
      starterOf(() => accountOf(server)),
      { image: 'python:3.13-slim', hostVolume: false, ports: [8000] },
    );
    snapshots = new Snapshots(async () => (await sessions.connection()).client);
  });
  afterEach(async () => {
    await sessions.dispose();
    await server.stop();
  });

  const write = async (sandbox: Sandbox, text: string) =>
    (await sandbox.exec(['sh', '-c', `echo ${text} > /kept`])).wait();
  const read = async (sandbox: Sandbox) => (await sandbox.exec(['cat', '/kept'])).stdout.readText();
  const running = async () => (await server.control.running()).sandboxes.length;

  it('keeps the files of a paused sandbox, and resumes it with its profile, ports, and tags', async () => {
    const { sandbox } = await sessions.acquire(folder);
    const tags = await sandbox.getTags();
    await write(sandbox, 'one');
    await pause(sessions, snapshots, folder, 'default');
    assert.equal(await running(), 0);
    await resume(sessions, snapshots, folder, 'default');
    const again = await sessions.acquire(folder);
    assert.equal(again.isNew, false);
    assert.equal(await read(again.sandbox), 'one\n');
    assert.ok((await again.sandbox.tunnels())[8000]);
    const { 'vscode-snapshot': snapshot, ...rest } = await again.sandbox.getTags();
    assert.ok(snapshot);
    assert.deepEqual(rest, tags);
    assert.equal(await pausedSnapshot(snapshots, folder, 'default'), undefined, 'it is no longer paused');
  });

  it('can repeat a pause that failed, and leaves one snapshot', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    await server.control.addFault({ method: 'SandboxTerminateV2', code: 9, times: 1 });
    await assert.rejects(pause(sessions, snapshots, folder, 'default'));
    assert.equal(await running(), 1);
    await write(sandbox, 'two');
    await pause(sessions, snapshots, folder, 'default');
    assert.equal(await running(), 0);
    assert.equal((await snapshots.list()).length, 1);
    await server.control.addFault({ method: 'SandboxCreateV2', code: 9, times: 1 });
    await assert.rejects(resume(sessions, snapshots, folder, 'default'));
    assert.equal(await running(), 0);
    await resume(sessions, snapshots, folder, 'default');
    assert.equal(await read((await sessions.acquire(folder)).sandbox), 'two\n');
  });

  /** Cancels work once Modal has started it, and waits until its result is cleaned up. */
  async function cancelDuring(begun: string, cleared: string, work: (signal: AbortSignal) => Promise<unknown>) {
    await server.control.addFault({ method: begun, delayMs: 300, times: 1 });
    await server.control.resetCalls();
    const count = async (method: string) => (await server.control.calls())[method] ?? 0;
    const cancel = new AbortController();
    const refused = assert.rejects(work(cancel.signal), { name: 'AbortError' });
    for (const method of [begun, cleared]) {
      await waitFor(
        method,
        10_000,
        () => count(method),
        (calls) => calls > 0,
      );
      cancel.abort();
      await refused;
    }
  }

  it('keeps the sandbox running without a snapshot when canceled', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await cancelDuring('TaskSnapshotFilesystem', 'ImageDelete', (signal) =>
      pause(sessions, snapshots, folder, 'default', signal),
    );
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox);
    assert.deepEqual(await snapshots.list(), []);
  });

  it('stays paused when resuming is canceled, and stops the sandbox that starts later', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    await pause(sessions, snapshots, folder, 'default');
    await cancelDuring('SandboxCreateV2', 'SandboxTerminateV2', (signal) =>
      resume(sessions, snapshots, folder, 'default', signal),
    );
    assert.deepEqual([await running(), sessions.profilesOf(folder).length], [0, 0]);
    await resume(sessions, snapshots, folder, 'default');
    assert.equal(await read((await sessions.acquire(folder)).sandbox), 'one\n');
  });

  it('stops a sandbox whose start was canceled when the window closes', async () => {
    await sessions.connection();
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 300, times: 1 });
    const cancel = new AbortController();
    const named = await sessions.profile(folder);
    const refused = assert.rejects(sessions.create(named, { folder, signal: cancel.signal }), { name: 'AbortError' });
    await waitFor(
      'the start',
      10_000,
      async () => (await server.control.calls()).SandboxCreateV2 ?? 0,
      (calls) => calls > 0,
    );
    cancel.abort();
    await refused;
    await sessions.dispose();
    assert.equal((await server.control.calls()).SandboxTerminateV2, 1);
    assert.equal(await running(), 0);
  });

  it('keeps the old sandbox and deletes the image when moving to a new sandbox is canceled', async () => {
    const { sandbox } = await sessions.acquire(folder);
    const [life] = await sessions.lifetimes();
    assert.ok(life);
    await cancelDuring('SandboxCreateV2', 'ImageDelete', (signal) => moveToNewSandbox(sessions, life, signal));
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox);
    assert.equal(await running(), 1);
    await sessions.dispose();
    assert.equal(await running(), 0, 'no sandbox keeps running');
  });

  it('reports that there is no sandbox to pause or to resume', async () => {
    await assert.rejects(pause(sessions, snapshots, folder, 'default'), {
      message: strings.noSandboxToPause('default'),
    });
    await assert.rejects(resume(sessions, snapshots, folder, 'default'), {
      message: strings.noPausedSandbox('default', folder.name),
    });
  });

  it('moves a session to a new sandbox, and stops the old one only then', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    const [life] = await sessions.lifetimes();
    assert.ok(life);
    await server.control.addFault({ method: 'SandboxCreateV2', code: 9, times: 1 });
    await assert.rejects(moveToNewSandbox(sessions, life));
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox, 'the old one is kept');
    await moveToNewSandbox(sessions, life);
    const session = await sessions.acquire(folder);
    assert.notEqual(session.sandbox.sandboxId, sandbox.sandboxId);
    assert.equal(await read(session.sandbox), 'one\n');
    assert.equal(await running(), 1);
    const [next] = await sessions.lifetimes();
    assert.ok(next && next.endsAt >= life.endsAt, 'its lifetime starts over');
  });
});
