import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { listSandboxes } from '../../../src/modal/sandbox-list.ts';
import { Tag } from '../../../src/modal/sandboxes.ts';
import { listPublished, publishedName } from '../../../src/modal/snapshots.ts';
import { RECORDS_VOLUME } from '../../../src/snapshots/records.ts';
import {
  DEFAULT_TTL_MS,
  dependentsOf,
  requireReady,
  type Snapshot,
  Snapshots,
} from '../../../src/snapshots/snapshots.ts';
import { strings } from '../../../src/snapshots/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const tags = { [Tag.folder]: 'f00', [Tag.folderName]: 'hello', [Tag.profile]: 'gpu' };

describe('Snapshots', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  let snapshots: Snapshots;
  beforeEach(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { tags });
    snapshots = new Snapshots(async () => bench.modal);
  });
  afterEach(() => bench.server.stop());

  const named = async (name: string, from = snapshots) => {
    const found = (await from.list()).find((each) => each.name === name);
    assert.ok(found, name);
    return found;
  };
  const restored = async ({ imageId }: Snapshot) =>
    bench.modal.sandboxes.create(bench.app, await bench.modal.images.fromId(imageId));

  it('lists nothing, and creates nothing, before the first snapshot', async () => {
    assert.deepEqual(await snapshots.list(), []);
    assert.deepEqual((await bench.modal.cpClient.volumeList({})).items, []);
  });

  for (const name of ['before the upgrade', "it’s “quoted” 'x'", '🚀', 'two\nlines', '../../etc']) {
    it(`saves the files of a sandbox under the name ${JSON.stringify(name)}`, async () => {
      await bench.shell(sandbox, 'echo kept > /kept');
      const id = await snapshots.create(sandbox, { name, ttlMs: DEFAULT_TTL_MS });
      await bench.shell(sandbox, 'echo later > /kept');
      const { imageId, createdAt, expiresAt, ...facts } = await named(name);
      assert.deepEqual(facts, {
        id,
        kind: 'filesystem',
        name,
        state: 'ready',
        folderKey: 'f00',
        folderName: 'hello',
        profile: 'gpu',
      });
      assert.equal((expiresAt ?? 0) - createdAt, DEFAULT_TTL_MS);
      assert.equal(await bench.shell(await restored(await named(name)), 'cat /kept'), 'kept\n');
      assert.equal((await bench.modal.images.fromName(publishedName(id))).imageId, imageId);
    });
  }

  it('saves a directory with its size, which can be mounted elsewhere', async () => {
    await bench.shell(sandbox, 'mkdir /models && head -c 100000 /dev/urandom > /models/weights');
    await snapshots.create(sandbox, { name: 'models', ttlMs: null, path: '/models' });
    const found = await named('models');
    assert.deepEqual([found.kind, found.path, found.expiresAt], ['directory', '/models', null]);
    assert.ok((found.sizeBytes ?? 0) >= 100_000 && (found.sizeBytes ?? 0) < 200_000);
    const other = await bench.modal.sandboxes.create(bench.app, bench.image);
    await other.mountImage('/mnt/models', await bench.modal.images.fromId(found.imageId));
    assert.equal(await bench.shell(other, 'stat -c %s /mnt/models/weights'), '100000\n');
  });

  it('lists the same snapshots on another computer of the account', async () => {
    await snapshots.create(sandbox, { name: 'shared', ttlMs: null });
    const elsewhere = new Snapshots(async () => bench.server.client());
    assert.deepEqual(await elsewhere.list(), await snapshots.list());
  });

  it('keeps concurrent changes of two windows, neither of which overwrites the other', async () => {
    const windows = [snapshots, new Snapshots(async () => bench.server.client())];
    const names = Array.from({ length: 8 }, (_, n) => `s${n}`);
    await Promise.all(names.map((name, n) => windows[n % 2]?.create(sandbox, { name, ttlMs: 3_600_000 })));
    const [first, second] = windows as [Snapshots, Snapshots];
    const one = await named('s0');
    await Promise.all([first.rename(one.id, 'renamed here'), first.rename((await named('s2')).id, 's2 here')]);
    await Promise.all([
      second.changeLifetime(await named('renamed here', second), null, restored),
      first.rename(one.id, 'renamed again'),
      second.rename((await named('s3', second)).id, 's3 there'),
    ]);
    for (const window of windows) {
      const found = await window.list();
      assert.deepEqual(
        found.map(({ name }) => name).sort(),
        ['renamed again', 's1', 's2 here', 's3 there', 's4', 's5', 's6', 's7'].sort(),
      );
      const changed = found.find(({ id }) => id === one.id);
      assert.deepEqual([changed?.name, changed?.expiresAt, changed?.state], ['renamed again', null, 'ready']);
    }
  }).timeout(60_000);

  it('reads each record only once', async () => {
    for (const name of ['a', 'b', 'c']) await snapshots.create(sandbox, { name, ttlMs: null });
    await snapshots.list();
    await bench.server.control.resetCalls();
    await snapshots.list();
    const calls = await bench.server.control.calls();
    assert.equal(calls.VolumeGetFile2 ?? 0, 0);
    assert.equal(calls.ImageListTags, 1);
    assert.equal(calls.VolumeListFiles2, 1);
  });

  it('changes the lifetime of a snapshot, and nothing else', async () => {
    await bench.shell(sandbox, 'echo kept > /kept');
    const id = await snapshots.create(sandbox, { name: 'a', ttlMs: 60_000 });
    const before = await named('a');
    await snapshots.changeLifetime(before, 3_600_000, restored);
    const after = await named('a');
    assert.deepEqual([after.id, after.state, after.createdAt], [id, 'ready', before.createdAt]);
    assert.ok((after.expiresAt ?? 0) > Date.now() + 3_000_000);
    assert.equal(await bench.shell(await restored(after), 'cat /kept'), 'kept\n');
    await assert.rejects(bench.modal.images.fromId(before.imageId), 'the old image still exists');
    assert.equal((await bench.modal.images.fromName(publishedName(id))).imageId, after.imageId);
  });

  for (const method of ['ImagePublish', 'VolumePutFiles2']) {
    it(`keeps lifetime and image when changing the lifetime fails at ${method}`, async () => {
      const id = await snapshots.create(sandbox, { name: 'a', ttlMs: 3_600_000 });
      const before = await named('a');
      await bench.server.control.addFault({ method, code: 7, message: 'no entry', times: 1 });
      await assert.rejects(snapshots.changeLifetime(before, null, restored), /no entry/);
      assert.deepEqual(await named('a'), before);
      assert.equal((await bench.modal.images.fromName(publishedName(id))).imageId, before.imageId);
    });
  }

  it("lists expired snapshots, which can't be restored", async () => {
    await snapshots.create(sandbox, { name: 'short', ttlMs: 1_000 });
    const id = (await named('short')).id;
    const later = new Snapshots(
      async () => bench.modal,
      () => Date.now() + 5_000,
    );
    const expired = await named('short', later);
    assert.equal(expired.state, 'expired');
    assert.throws(() => requireReady(expired), { message: strings.expired('short') });
    await snapshots.delete({ id, imageId: expired.imageId });
    assert.deepEqual(await snapshots.list(), []);
  });

  it('lists snapshots whose image or name was deleted elsewhere', async () => {
    await snapshots.create(sandbox, { name: 'image gone', ttlMs: null });
    await snapshots.create(sandbox, { name: 'name gone', ttlMs: null });
    await bench.modal.images.delete((await named('image gone')).imageId);
    await bench.modal.cpClient.imageNameDelete({ tag: publishedName((await named('name gone')).id) });
    assert.equal((await named('image gone')).state, 'deleted');
    assert.equal((await named('name gone')).state, 'deleted');
    assert.throws(() => requireReady({ ...({} as Snapshot), name: 'x', state: 'deleted' }), {
      message: strings.deletedElsewhere('x'),
    });
  });

  it('lists snapshots without a record by their published name', async () => {
    const id = await snapshots.create(sandbox, { name: 'a', ttlMs: null });
    await bench.modal.volumes.delete(RECORDS_VOLUME);
    const [found] = await snapshots.list();
    assert.deepEqual([found?.id, found?.name, found?.state, found?.kind], [id, id, 'ready', undefined]);
  });

  it("leaves nothing behind when the record can't be written", async () => {
    await bench.server.control.addFault({ method: 'VolumePutFiles2', code: 7, message: 'no entry' });
    await assert.rejects(snapshots.create(sandbox, { name: 'a', ttlMs: null }), /no entry/);
    await bench.server.control.clearFaults();
    assert.deepEqual([await snapshots.list(), await listPublished(bench.modal)], [[], []]);
  });

  it('leaves nothing behind when canceled, and deletes an image that Modal finishes later', async () => {
    const method = 'TaskSnapshotFilesystem';
    await bench.server.control.addFault({ method, delayMs: 300, times: 1 });
    await bench.server.control.resetCalls();
    const cancel = new AbortController();
    const calls = async (name: string) => (await bench.server.control.calls())[name] ?? 0;
    const taking = snapshots.create(sandbox, { name: 'a', ttlMs: null, signal: cancel.signal });
    const refused = assert.rejects(taking, { name: 'AbortError' });
    await waitFor(
      'Modal to begin',
      10_000,
      () => calls(method),
      (count) => count > 0,
    );
    cancel.abort();
    await refused;
    assert.equal(await calls('ImageDelete'), 0, 'the wait ends at once, before Modal finishes');
    await waitFor(
      'the late image to be deleted',
      10_000,
      () => calls('ImageDelete'),
      (count) => count > 0,
    );
    assert.deepEqual([await snapshots.list(), await listPublished(bench.modal)], [[], []]);
  });

  it('leaves nothing behind when canceled during publishing', async () => {
    await bench.server.control.addFault({ method: 'ImagePublish', delayMs: 300, times: 1 });
    const cancel = new AbortController();
    const taking = snapshots.create(sandbox, { name: 'a', ttlMs: null, signal: cancel.signal });
    const refused = assert.rejects(taking, { name: 'AbortError' });
    await waitFor(
      'the publishing to begin',
      10_000,
      async () => (await bench.server.control.calls()).ImagePublish ?? 0,
      (count) => count > 0,
    );
    cancel.abort();
    await refused;
    assert.equal((await bench.server.control.calls()).ImageDelete, 1);
    assert.deepEqual([await snapshots.list(), await listPublished(bench.modal)], [[], []]);
  });

  it('deletes image, name, and record, even if one of them no longer exists', async () => {
    await snapshots.create(sandbox, { name: 'a', ttlMs: null });
    await snapshots.create(sandbox, { name: 'b', ttlMs: null });
    const [a, b] = [await named('a'), await named('b')];
    await bench.modal.images.delete(a.imageId);
    await snapshots.rename(a.id, 'a again');
    await snapshots.delete(a);
    await snapshots.delete(a);
    assert.deepEqual(
      (await snapshots.list()).map(({ name }) => name),
      ['b'],
    );
    assert.deepEqual(
      (await listPublished(bench.modal)).map(({ id }) => id),
      [b.id],
    );
  });

  it('finds the snapshots and running sandboxes created from a snapshot', async () => {
    const parent = await snapshots.create(sandbox, { name: 'parent', ttlMs: null });
    const { imageId } = await named('parent');
    const image = await bench.modal.images.fromId(imageId);
    const second = await bench.modal.sandboxes.create(bench.app, image, { tags: { [Tag.snapshot]: parent } });
    await snapshots.create(second, { name: 'child', ttlMs: null });
    const sandboxes = await listSandboxes(bench.modal, bench.app, new Date());
    const dependents = dependentsOf(await named('parent'), await snapshots.list(), sandboxes);
    assert.deepEqual(
      [dependents.snapshots.map(({ name }) => name), dependents.sandboxIds],
      [['child'], [second.sandboxId]],
    );
    assert.deepEqual(dependentsOf(await named('child'), await snapshots.list(), sandboxes).sandboxIds, []);
  });

  it("ignores files in the volume that aren't records", async () => {
    await snapshots.create(sandbox, { name: 'a', ttlMs: null });
    const mount = await bench.modal.volumes.fromName(RECORDS_VOLUME);
    const writer = await bench.modal.sandboxes.create(bench.app, bench.image, { volumes: { '/r': mount } });
    await bench.shell(
      writer,
      'echo x > /r/readme.txt; echo "{" > /r/abc~created~1~aa.json; echo "{}" > /r/def~created~1~bb.json',
    );
    await writer.terminate({ wait: true });
    assert.deepEqual(
      (await snapshots.list()).map(({ name }) => name),
      ['a'],
    );
  });
});
