import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { FolderSyncs } from '../../../src/sandboxes/folder-syncs.ts';
import { SavePoints } from '../../../src/sandboxes/save-points.ts';
import { changesBetween, fileStates } from '../../../src/snapshots/compare.ts';
import { pointsToDelete, savePointGroups } from '../../../src/snapshots/save-points.ts';
import { type Snapshot, Snapshots } from '../../../src/snapshots/snapshots.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow } from '../../helpers/window.ts';

describe('Save points', function () {
  this.timeout(60_000);
  let server: RunningLocalModal;
  let parent: string;
  let window: TestWindow;
  let snapshots: Snapshots;
  let points: SavePoints;
  let isAutomatic = true;

  before(async () => {
    server = await startLocalModal();
    parent = await mkdtemp(join(tmpdir(), 'save-points-'));
    const path = join(parent, 'folder');
    await mkdir(path);
    window = new TestWindow({ url: server.url, machineDir: join(parent, 'machine'), path, id: 'one' });
    await window.machine.join();
    snapshots = new Snapshots(async () => (await window.sessions.connection()).client);
    points = new SavePoints({ sessions: window.sessions, snapshots, isAutomatic: () => isAutomatic });
  });
  after(async () => {
    await window.close();
    await server.stop();
    await rm(parent, { recursive: true });
  });

  const current = async () => (await window.sessions.acquire(window.folder)).sandbox;
  const shell = async (sandbox: Sandbox, line: string) =>
    (await sandbox.exec(['sh', '-c', line], { mode: 'text' })).stdout.readText();
  const named = async (name: string): Promise<Snapshot> => {
    const found = (await snapshots.list()).find((each) => each.name === name);
    assert.ok(found, name);
    return found;
  };

  it('are compared, gone back to, and arranged as a tree', async () => {
    const first = await current();
    await shell(first, 'mkdir /data; echo 1 > /data/a; echo 1 > /data/b; ln -s a /data/link');
    await points.save(first, 'one');
    const before = await fileStates(first);
    await shell(first, 'echo 22 > /data/a; rm /data/b; echo 3 > "/data/c d"; ln -sf c /data/link');
    await points.save(first, 'two');
    const changes = changesBetween(before, await fileStates(first)).filter(({ path }) => path.startsWith('data/'));
    assert.deepEqual(changes, [
      { path: 'data/a', kind: 'changed' },
      { path: 'data/b', kind: 'deleted' },
      { path: 'data/c d', kind: 'added' },
      { path: 'data/link', kind: 'changed' },
    ]);

    await points.restore(window.folder, 'default', await named('one'));
    const second = await current();
    assert.notEqual(second.sandboxId, first.sandboxId);
    assert.equal(await shell(second, 'cat /data/a /data/b; readlink /data/link'), '1\n1\na\n');
    const same = changesBetween(before, await fileStates(second)).filter(({ path }) => path.startsWith('data/'));
    assert.deepEqual(same, [], 'a snapshot keeps sizes and times');
    await points.save(second, 'other way');
    const [group, ...others] = savePointGroups(await snapshots.list());
    assert.equal(others.length, 0);
    const [root] = group?.nodes ?? [];
    const lines = root?.branches.map((line) => line.map(({ point }) => point.name));
    assert.equal(root?.point.name, 'one');
    assert.deepEqual(lines?.sort(), [['Before going back to “one”', 'two'], ['other way']]);
  });

  it('are taken before a sync that deletes what only the sandbox has, and the oldest of them are deleted', async () => {
    await writeFile(join(window.folder.path, 'a.txt'), 'a');
    const syncs = new FolderSyncs({
      storageDir: () => join(parent, 'sync'),
      rules: () => ({}),
      isLocal: () => true,
      beforeLoss: (_, sandbox) => points.saveBefore(sandbox),
    });
    const sandbox = await current();
    const engine = syncs.of(window.folder);
    await engine.push(sandbox, { ask: () => true });
    await shell(sandbox, 'echo precious > /workspace/only-here');
    const mirror = async (answer: boolean) =>
      engine.mirror(sandbox, await engine.mirrorPreview(sandbox), { ask: () => answer });
    const taken = async () => (await snapshots.list()).filter(({ name }) => name === 'Before a sync');
    await assert.rejects(mirror(false));
    assert.equal((await taken()).length, 0, 'nothing is lost if the user declines');
    await mirror(true);
    assert.equal(await shell(sandbox, 'ls /workspace'), 'a.txt\n');
    const [point] = await taken();
    assert.equal(point?.savePoint, 'automatic');
    await points.restore(window.folder, 'default', point as Snapshot);
    assert.equal(await shell(await current(), 'cat /workspace/only-here'), 'precious\n');
    isAutomatic = false;
    await points.saveBefore(await current());
    isAutomatic = true;
    assert.equal((await taken()).length, 1);
    await syncs.dispose();

    const automatic = async () => (await snapshots.list()).filter(({ savePoint }) => savePoint === 'automatic');
    for (let at = (await automatic()).length; at < 11; at += 1) await points.saveBefore(await current(), `${at}`);
    const left = await waitFor('the oldest to be deleted', 20_000, automatic, ({ length }) => length === 10);
    assert.ok(!left.some(({ name }) => name === 'Before going back to “one”'));
    assert.ok(await named('two'), 'those that the user took are kept');
  });

  it('are selected by age and by number for a clean-up', () => {
    const at = (createdAt: number) => ({ createdAt }) as Snapshot;
    const all = [at(1), at(3), at(2)];
    assert.deepEqual(pointsToDelete(all, { keep: 1 }), [at(2), at(1)]);
    assert.deepEqual(pointsToDelete(all, { before: 2 }), [at(1)]);
  });
});
