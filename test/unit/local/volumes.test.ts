import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { AlreadyExistsError, NotFoundError, type Sandbox, type Volume } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const blockBytes = 8 * 1024 * 1024;

describe('Local Modal volumes', () => {
  let bench: Workbench;
  let count = 0;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const newVolume = (version: 1 | 2 = 2) =>
    bench.modal.volumes.fromName(`volume-${++count}`, { createIfMissing: true, version });
  const mounting = (volume: Volume, params = {}) =>
    bench.modal.sandboxes.create(bench.app, bench.image, { volumes: { '/data': volume }, ...params });

  async function filesOf(volume: Volume, path = '/', recursive = true): Promise<string[]> {
    const found: string[] = [];
    for await (const { entries } of bench.modal.cpClient.volumeListFiles2({
      volumeId: volume.volumeId,
      path,
      recursive,
    })) {
      found.push(...entries.map((entry) => entry.path));
    }
    return found;
  }

  /** Uploads like Modal's clients do to v2: blocks by hash, without trailing zeros, and the missing ones by PUT. */
  async function put(
    volume: Volume,
    path: string,
    content: Buffer,
    disallowOverwriteExistingFiles = false,
  ): Promise<void> {
    const blocks: { data: Buffer; contentsSha256: Uint8Array; putResponse?: Uint8Array }[] = [];
    for (let at = 0; at < content.length; at += blockBytes) {
      let data = content.subarray(at, at + blockBytes);
      while (data.length > 0 && data.at(-1) === 0) data = data.subarray(0, -1);
      blocks.push({ data, contentsSha256: createHash('sha256').update(data).digest() });
    }
    const file = { path, size: content.length, mode: 0o640, blocks };
    const request = { volumeId: volume.volumeId, files: [file], disallowOverwriteExistingFiles };
    const { missingBlocks } = await bench.modal.cpClient.volumePutFiles2(request);
    for (const { blockIndex, putUrl } of missingBlocks) {
      const block = blocks[blockIndex];
      assert.ok(block);
      const response = await fetch(putUrl, { method: 'PUT', body: new Uint8Array(block.data) });
      block.putResponse = new Uint8Array(await response.arrayBuffer());
    }
    if (missingBlocks.length === 0) return;
    assert.deepEqual((await bench.modal.cpClient.volumePutFiles2(request)).missingBlocks, []);
  }

  async function get(volume: Volume, path: string, start = 0, len = 0): Promise<Buffer> {
    const { getUrls } = await bench.modal.cpClient.volumeGetFile2({ volumeId: volume.volumeId, path, start, len });
    const pieces = await Promise.all(getUrls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
    return Buffer.concat(pieces);
  }

  it('creates one volume per name, and lists, renames, and deletes it', async () => {
    const volume = await newVolume();
    assert.equal((await bench.modal.volumes.fromName(`volume-${count}`)).volumeId, volume.volumeId);
    await bench.modal.cpClient.volumeRename({ volumeId: volume.volumeId, name: 'renamed' });
    const { items } = await bench.modal.cpClient.volumeList({});
    assert.ok(items.some(({ label, volumeId }) => label === 'renamed' && volumeId === volume.volumeId));
    await bench.modal.volumes.delete('renamed');
    await assert.rejects(bench.modal.volumes.fromName('renamed'), NotFoundError);
  });

  it('lists volumes in pages, newest first', async () => {
    for (let n = 0; n < 5; n++) await newVolume();
    const labels: string[] = [];
    for (let createdBefore = 0; ; ) {
      const { items } = await bench.modal.cpClient.volumeList({ pagination: { maxObjects: 2, createdBefore } });
      if (items.length === 0) break;
      labels.push(...items.map(({ label }) => label));
      createdBefore = items.at(-1)?.createdAt ?? 0;
    }
    assert.deepEqual(labels.slice(0, 2), [`volume-${count}`, `volume-${count - 1}`]);
    assert.equal(new Set(labels).size, labels.length);
  });

  it('uploads files in blocks, and downloads them completely or in part', async () => {
    const volume = await newVolume();
    const content = Buffer.concat([
      randomBytes(blockBytes),
      Buffer.alloc(blockBytes),
      randomBytes(1000),
      Buffer.alloc(24),
    ]);
    await put(volume, 'folder/big.bin', content);
    assert.ok((await get(volume, 'folder/big.bin')).equals(content));
    const part = await get(volume, 'folder/big.bin', blockBytes - 100, blockBytes + 200);
    assert.ok(part.equals(content.subarray(blockBytes - 100, 2 * blockBytes + 100)));
    const { getUrls } = await bench.modal.cpClient.volumeGetFile2({
      volumeId: volume.volumeId,
      path: 'folder/big.bin',
      start: blockBytes - 100,
      len: blockBytes + 200,
    });
    assert.equal(getUrls.length, 3, 'pieces end at the blocks’ edges');
    await assert.rejects(put(volume, 'folder/big.bin', Buffer.from('other'), true), /ALREADY_EXISTS/);
    await put(volume, 'folder/big.bin', Buffer.from('other'));
    assert.equal(String(await get(volume, 'folder/big.bin')), 'other');
  });

  it("rejects a block that doesn't match its hash", async () => {
    const volume = await newVolume();
    const contentsSha256 = createHash('sha256').update('right').digest();
    const request = { volumeId: volume.volumeId, files: [{ path: 'f', size: 5, blocks: [{ contentsSha256 }] }] };
    const [missing] = (await bench.modal.cpClient.volumePutFiles2(request)).missingBlocks;
    assert.ok(missing);
    assert.equal((await fetch(missing.putUrl, { method: 'PUT', body: 'wrong' })).status, 500);
    assert.equal((await bench.modal.cpClient.volumePutFiles2(request)).missingBlocks.length, 1);
  });

  it('uploads files to a v1 volume by their hash', async () => {
    const volume = await newVolume(1);
    const data = Buffer.from('version one');
    const sha256Hex = createHash('sha256').update(data).digest('hex');
    assert.equal((await bench.modal.cpClient.mountPutFile({ sha256Hex })).exists, false);
    assert.equal((await bench.modal.cpClient.mountPutFile({ sha256Hex, data })).exists, true);
    const files = [{ filename: 'a/one.txt', sha256Hex, mode: 0o600 }];
    await bench.modal.cpClient.volumePutFiles({ volumeId: volume.volumeId, files });
    assert.equal(String(await get(volume, 'a/one.txt')), 'version one');
  });

  it('lists, copies, and removes files in a volume', async () => {
    const volume = await newVolume();
    const { volumeId } = volume;
    for (const name of ['a/x', 'a/b/y', 'z']) await put(volume, name, Buffer.from(name));
    assert.deepEqual(await filesOf(volume), ['a', 'a/b', 'a/b/y', 'a/x', 'z']);
    assert.deepEqual(await filesOf(volume, '/', false), ['a', 'z']);
    assert.deepEqual(await filesOf(volume, 'a/x'), ['a/x']);
    await assert.rejects(filesOf(volume, 'nothing'), /NOT_FOUND/);
    const { cpClient } = bench.modal;
    await cpClient.volumeCopyFiles2({ volumeId, srcPaths: ['a'], dstPath: 'copy', recursive: true });
    await cpClient.volumeCopyFiles2({ volumeId, srcPaths: ['a/x', 'z'], dstPath: 'both/', recursive: false });
    assert.deepEqual(await filesOf(volume, 'copy'), ['copy/b', 'copy/b/y', 'copy/x']);
    assert.deepEqual(await filesOf(volume, 'both'), ['both/x', 'both/z']);
    await assert.rejects(cpClient.volumeRemoveFile2({ volumeId, path: 'a' }), /INVALID_ARGUMENT/);
    await cpClient.volumeRemoveFile2({ volumeId, path: 'a', recursive: true });
    await cpClient.volumeRemoveFile({ volumeId, path: 'z' });
    assert.deepEqual(await filesOf(volume, '/', false), ['both', 'copy']);
  });

  it('keeps paths and links inside the volume', async () => {
    const volume = await newVolume();
    const { volumeId } = volume;
    const sandbox = await mounting(volume);
    await bench.shell(
      sandbox,
      'ln -s /etc/hostname /data/absolute; ln -s ../../../../../../etc /data/up; echo x > /data/file',
    );
    await sandbox.terminate({ wait: true });
    for (const path of ['../../state.json', '/../x', 'up/hostname', 'absolute', 'a/../../b']) {
      await assert.rejects(get(volume, path), /INVALID_ARGUMENT|NOT_FOUND/, path);
    }
    await assert.rejects(put(volume, '../escaped', Buffer.from('x')), /INVALID_ARGUMENT/);
    await put(volume, 'up/inside', Buffer.from('x'));
    assert.ok((await filesOf(volume)).includes('etc/inside'), 'the link did not lead to a place in the volume');
    const copy = { volumeId, srcPaths: ['file'], dstPath: '../../copied', recursive: true };
    await assert.rejects(bench.modal.cpClient.volumeCopyFiles2(copy), /INVALID_ARGUMENT/);
  });

  describe('mounts', () => {
    const ls = (sandbox: Sandbox) => bench.shell(sandbox, 'ls /data');

    it('shows the content of a volume at mount time until it is reloaded', async () => {
      const volume = await newVolume();
      await put(volume, 'first', Buffer.from('1'));
      const [one, two] = await Promise.all([mounting(volume), mounting(volume)]);
      await bench.shell(one, 'echo 2 > /data/second; rm /data/first');
      await put(volume, 'third', Buffer.from('3'));
      assert.equal(await ls(one), 'second\n');
      assert.equal(await ls(two), 'first\n');
      await one.reloadVolumes();
      assert.equal(await ls(one), 'second\nthird\n');
      assert.equal(await ls(two), 'first\n');
      await two.reloadVolumes();
      assert.equal(await ls(two), 'second\nthird\n');
      assert.deepEqual(await filesOf(volume), ['second', 'third']);
    });

    it('commits changes to a volume automatically, and when the sandbox stops', async () => {
      const volume = await newVolume();
      const sandbox = await mounting(volume);
      await bench.shell(
        sandbox,
        'mkdir -p /data/a/b; echo 1 > /data/a/b/c; ln -s c /data/a/b/link; chmod 600 /data/a/b/c',
      );
      await waitFor(
        'a commit',
        15_000,
        () => filesOf(volume),
        (files) => files.includes('a/b/link'),
      );
      await bench.shell(sandbox, 'mv /data/a/b/c /data/moved; rm -r /data/a; echo end > /data/last');
      await sandbox.terminate({ wait: true });
      assert.deepEqual(await filesOf(volume), ['last', 'moved']);
    });

    it('commits a file without changing when it was last read', async () => {
      const volume = await newVolume();
      const sandbox = await mounting(volume);
      await bench.shell(sandbox, 'echo 1 > /data/old; touch -d @1000000000 /data/old');
      await waitFor(
        'a commit',
        15_000,
        () => filesOf(volume),
        (files) => files.includes('old'),
      );
      assert.equal(await bench.shell(sandbox, 'stat -c %X /data/old'), '1000000000\n');
      assert.equal(String(await get(volume, 'old')), '1\n');
    });

    it('lets the last writer of each file in a volume win', async () => {
      const volume = await newVolume();
      const [one, two] = await Promise.all([mounting(volume), mounting(volume)]);
      await bench.shell(one, 'echo one > /data/both; echo one > /data/one');
      await one.reloadVolumes();
      await bench.shell(two, 'echo two > /data/both; echo two > /data/two');
      await two.reloadVolumes();
      await one.terminate({ wait: true });
      assert.deepEqual(await filesOf(volume), ['both', 'one', 'two']);
      assert.equal(String(await get(volume, 'both')), 'two\n');
    });

    it('rejects reloading a volume with open files', async () => {
      const volume = await newVolume();
      const sandbox = await mounting(volume);
      await put(volume, 'new', Buffer.from('1'));
      await sandbox.exec(['sh', '-c', 'exec 3> /data/open; touch /tmp/opened; sleep 100']);
      await bench.shell(sandbox, 'while [ ! -e /tmp/opened ]; do sleep 0.02; done');
      await assert.rejects(sandbox.reloadVolumes(), /open files/);
    });

    it('mounts a volume read-only, or only a subfolder of it', async () => {
      const volume = await newVolume();
      await put(volume, 'part/file', Buffer.from('inside'));
      const readOnly = await mounting(volume.withMountOptions({ readOnly: true }));
      await assert.rejects(bench.shell(readOnly, 'touch /data/x'), /Read-only file system/);
      assert.equal(await bench.shell(readOnly, 'cat /data/part/file'), 'inside');
      const part = await mounting(volume.withMountOptions({ subPath: '/part' }));
      assert.equal(await bench.shell(part, 'cat /data/file; echo more > /data/more'), 'inside');
      await part.terminate({ wait: true });
      assert.deepEqual(await filesOf(volume), ['part', 'part/file', 'part/more']);
      await readOnly.reloadVolumes();
      assert.equal(await bench.shell(readOnly, 'ls /data/part'), 'file\nmore\n');
      await assert.rejects(bench.shell(readOnly, 'touch /data/x'), /Read-only file system/);
    });

    it('excludes volumes from snapshots', async () => {
      const sandbox = await mounting(await newVolume());
      await bench.shell(sandbox, 'echo 1 > /data/file; echo 1 > /beside');
      const restored = await bench.modal.sandboxes.create(bench.app, await sandbox.snapshotFilesystem());
      assert.equal(await bench.shell(restored, 'ls /data; ls /beside'), '/beside\n');
    });
  });

  it('rejects a second volume of the same name if it must be new', async () => {
    await newVolume();
    const request = { deploymentName: `volume-${count}`, objectCreationType: 2 };
    await assert.rejects(bench.modal.cpClient.volumeGetOrCreate(request), (error: Error) => {
      assert.ok(error instanceof AlreadyExistsError || /ALREADY_EXISTS/.test(error.message));
      return true;
    });
  });
});
