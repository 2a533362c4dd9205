import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { carryOver, pause, pausedSnapshot, resume } from '../../../src/sandboxes/pause.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const folder = { name: 'paused', path: '/somewhere/paused' };

describe('pausing', () => {
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

  it('ends the sandbox and keeps its files, and resuming goes on with profile, ports and tags', async () => {
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
    assert.equal(await pausedSnapshot(snapshots, folder, 'default'), undefined, 'it is not paused any more');
  });

  it('can be done again after a failure in the middle, and leaves one pause', async () => {
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

  /** Calls work off once Modal has begun with it, and waits until what it makes all the same was cleared away. */
  async function calledOff(begun: string, cleared: string, work: (signal: AbortSignal) => Promise<unknown>) {
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

  it('can be called off: the sandbox runs on, and there is no pause', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await calledOff('TaskSnapshotFilesystem', 'ImageDelete', (signal) =>
      pause(sessions, snapshots, folder, 'default', signal),
    );
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox);
    assert.deepEqual(await snapshots.list(), []);
  });

  it('can be resumed from after a resuming that was called off, whose sandbox is ended', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    await pause(sessions, snapshots, folder, 'default');
    await calledOff('SandboxCreateV2', 'SandboxTerminateV2', (signal) =>
      resume(sessions, snapshots, folder, 'default', signal),
    );
    assert.deepEqual([await running(), sessions.profilesOf(folder).length], [0, 0]);
    await resume(sessions, snapshots, folder, 'default');
    assert.equal(await read((await sessions.acquire(folder)).sandbox), 'one\n');
  });

  it('is not what a closing window does with a sandbox whose start was called off: it ends it', async () => {
    await sessions.connection();
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 300, times: 1 });
    const cancel = new AbortController();
    const profile = ProfileSchema.parse({ image: 'python:3.13-slim' });
    const refused = assert.rejects(sessions.create(profile, folder, cancel.signal), { name: 'AbortError' });
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

  it('is called off as carrying over is: the old sandbox serves on, and the image is deleted', async () => {
    const { sandbox } = await sessions.acquire(folder);
    const [life] = await sessions.lifetimes();
    assert.ok(life);
    await calledOff('SandboxCreateV2', 'ImageDelete', (signal) => carryOver(sessions, life, signal));
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox);
    assert.equal(await running(), 1);
    await sessions.dispose();
    assert.equal(await running(), 0, 'nothing was started that nobody ends');
  });

  it('says that there is nothing to pause or to resume', async () => {
    await assert.rejects(pause(sessions, snapshots, folder, 'default'), /No sandbox is running for profile “default”/);
    await assert.rejects(resume(sessions, snapshots, folder, 'default'), /no paused sandbox for profile “default”/);
  });

  it('of another kind: a session is carried over into a new sandbox, and the old one is ended only then', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    const [life] = await sessions.lifetimes();
    assert.ok(life);
    await server.control.addFault({ method: 'SandboxCreateV2', code: 9, times: 1 });
    await assert.rejects(carryOver(sessions, life));
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox, 'the old one serves on');
    await carryOver(sessions, life);
    const session = await sessions.acquire(folder);
    assert.notEqual(session.sandbox.sandboxId, sandbox.sandboxId);
    assert.equal(await read(session.sandbox), 'one\n');
    assert.equal(await running(), 1);
    const [next] = await sessions.lifetimes();
    assert.ok(next && next.endsAt >= life.endsAt, 'its life begins anew');
  });
});
