import { strict as assert } from 'node:assert';
import type { Sandbox } from 'modal';
import { carryOver, pause, pausedSnapshot, resume } from '../../../src/session/pause.ts';
import { Sessions } from '../../../src/session/sessions.ts';
import { Snapshots } from '../../../src/snapshots/snapshots.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { sessionSources } from '../../helpers/sessions.ts';

const folder = { name: 'paused', path: '/somewhere/paused' };

describe('pausing', () => {
  let server: RunningLocalModal;
  let sessions: Sessions;
  let snapshots: Snapshots;

  beforeEach(async () => {
    server = await startLocalModal();
    const account = {
      label: 'Local',
      isLocal: true,
      serverUrl: server.url,
      tokenId: 'ak-t',
      tokenSecret: 'as-t',
    } as const;
    sessions = new Sessions(
      sessionSources(() => account, { image: 'python:3.13-slim', hostVolume: false, ports: [8000] }),
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

  it('says that there is nothing to pause or to resume', async () => {
    await assert.rejects(pause(sessions, snapshots, folder, 'default'), /No sandbox of the profile “default” runs/);
    await assert.rejects(resume(sessions, snapshots, folder, 'default'), /Nothing of the profile “default” is paused/);
  });

  it('of another kind: a session is carried over into a new sandbox, and the old one is ended only then', async () => {
    const { sandbox } = await sessions.acquire(folder);
    await write(sandbox, 'one');
    const [life] = await sessions.started.lives();
    assert.ok(life);
    await server.control.addFault({ method: 'SandboxCreateV2', code: 9, times: 1 });
    await assert.rejects(carryOver(sessions, life));
    assert.equal((await sessions.acquire(folder)).sandbox, sandbox, 'the old one serves on');
    await carryOver(sessions, life);
    const session = await sessions.acquire(folder);
    assert.notEqual(session.sandbox.sandboxId, sandbox.sandboxId);
    assert.equal(await read(session.sandbox), 'one\n');
    assert.equal(await running(), 1);
    const [next] = await sessions.started.lives();
    assert.ok(next && next.endsAt >= life.endsAt, 'its life begins anew');
  });
});
