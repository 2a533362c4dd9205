import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Handover } from '../../../src/sandboxes/handover.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { TestWindow } from '../../helpers/window.ts';

describe('Handover', () => {
  let server: RunningLocalModal;
  let machineDir: string;
  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    machineDir = await mkdtemp(join(tmpdir(), 'machine-'));
  });
  afterEach(() => rm(machineDir, { recursive: true }));

  const window = async (id: string, path = '/folders/one') => {
    const opened = new TestWindow({ url: server.url, machineDir, path, id, isBilled: true });
    await opened.machine.join();
    return opened;
  };

  it('passes a sandbox to the restarted window, and stops it when that window closes', async () => {
    const before = await window('before');
    const { sandbox } = await before.sessions.acquire(before.folder);
    await before.sessions.handOver();
    const after = await window('after');
    // Not awaited, because a run starts at the same time.
    void after.sessions.takeOver([after.folder.path]);
    const session = await after.sessions.acquire(after.folder);
    await before.close();
    assert.equal(session.sandbox.sandboxId, sandbox.sandboxId);
    assert.deepEqual([session.isNew, session.isOutdated], [false, false]);
    assert.equal(await sandbox.poll(), null);
    assert.equal((await after.sessions.lifetimes()).length, 1, 'its lifetime is known');
    await after.close();
    assert.notEqual(await sandbox.poll(), null);
  });

  it('counts the cost of a sandbox once', async () => {
    const before = await window('before');
    const { sandbox } = await before.sessions.acquire(before.folder);
    await before.sessions.handOver();
    await before.close();
    const after = await window('after');
    await after.sessions.takeOver([after.folder.path]);
    // The entry of the window that no longer exists has become one of its successor.
    assert.deepEqual(await readdir(join(machineDir, 'spend')), ['after.json']);
    const entries = JSON.parse(await readFile(join(machineDir, 'spend', 'after.json'), 'utf8'));
    assert.deepEqual(
      entries.map(({ hasEnded }: { hasEnded: boolean }) => !hasEnded),
      [false, true],
    );
    await sandbox.terminate();
  });

  it('stops sandboxes as usual when the restart is canceled, or comes too late', async () => {
    const stays = await window('stays');
    const { sandbox } = await stays.sessions.acquire(stays.folder);
    const withdraw = await stays.sessions.handOver();
    await withdraw();
    await stays.close();
    assert.notEqual(await sandbox.poll(), null);

    let now = 1_000_000;
    const clock = { now: () => now, after: () => () => {} };
    const late = new Handover(new MachineState(machineDir, 'late'), clock);
    const offered = {
      sandboxId: 'sb-1',
      folder: { name: 'one', path: '/folders/one' },
      profile: 'default',
      startedAt: 1,
    };
    await late.offer([offered]);
    const next = new Handover(new MachineState(machineDir, 'next'), clock);
    assert.deepEqual(await next.claim(['/folders/other']), [], 'the sandbox belongs to another folder');
    assert.equal(late.keeps('sb-1'), true);
    now += 60_001;
    assert.equal(late.keeps('sb-1'), false);
    assert.deepEqual(await next.claim(['/folders/one']), []);
  });

  it('passes each sandbox to only one window, and none that has ended', async () => {
    const before = await window('before');
    const { sandbox } = await before.sessions.acquire(before.folder);
    await before.sessions.handOver();
    const both = [await window('one'), await window('two')];
    await Promise.all(both.map(({ sessions, folder }) => sessions.takeOver([folder.path])));
    const taken = await Promise.all(both.map(({ sessions, folder }) => sessions.sandboxesOf(folder)));
    assert.deepEqual(
      taken.flat().map(({ sandboxId }) => sandboxId),
      [sandbox.sandboxId],
    );
    const [owner] = both.filter((_, at) => taken[at]?.length === 1);
    await owner?.sessions.handOver();
    await sandbox.terminate();
    const last = await window('last');
    await last.sessions.takeOver([last.folder.path]);
    assert.deepEqual(await last.sessions.sandboxesOf(last.folder), []);
  });
});
