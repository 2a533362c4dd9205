import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import {
  type Content,
  contentOf,
  RemoteFileError,
  type RemoteFiles,
  readAll,
} from '../../../src/modal/remote-files.ts';
import { strings } from '../../../src/modal/strings.ts';
import { download, filesToDownload, filesToUpload, upload } from '../../../src/modal/transfer.ts';
import { volumeFiles } from '../../../src/modal/volume-files.ts';
import { createVolume, deleteVolume, listVolumes, renameVolume } from '../../../src/modal/volumes.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

const MiB = 1024 * 1024;
const everything = 1024 * MiB;
const problem = (expected: string) => (error: unknown) =>
  error instanceof RemoteFileError && error.problem === expected ? true : assert.fail(String(error));

describe('Volumes and their files', () => {
  let bench: Workbench;
  let folder: string;
  let files: RemoteFiles;
  before(async () => {
    bench = await startWorkbench();
    await createVolume(bench.modal, 'data');
    files = volumeFiles(async () => bench.modal, 'data');
    folder = mkdtempSync(join(tmpdir(), 'volumes-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await bench.server.stop();
  });

  const write = (path: string, text: string) => files.write(path, contentOf(Buffer.from(text)));
  const read = async (path: string) => String(await readAll(files, path, everything));
  const namesIn = async (path: string) => (await files.list(path)).map(({ name }) => name);

  it('creates, lists, renames, and deletes volumes', async () => {
    await createVolume(bench.modal, 'b');
    await createVolume(bench.modal, 'a');
    await assert.rejects(createVolume(bench.modal, 'a'), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.message, strings.volumeExists('a'));
      return true;
    });
    const found = await listVolumes(bench.modal);
    assert.deepEqual(
      found.map(({ name, version }) => [name, version]),
      [
        ['a', 2],
        ['b', 2],
        ['data', 2],
      ],
    );
    const [a] = found;
    assert.ok(a);
    await assert.rejects(renameVolume(bench.modal, a.id, 'b'), { message: strings.volumeExists('b') });
    await renameVolume(bench.modal, a.id, 'c');
    await deleteVolume(bench.modal, 'b');
    await deleteVolume(bench.modal, 'b');
    assert.deepEqual(
      (await listVolumes(bench.modal)).map(({ name }) => name),
      ['c', 'data'],
    );
  });

  it('lists more volumes than fit on a page', async () => {
    const names = Array.from({ length: 120 }, (_, n) => `many-${n}`);
    await Promise.all(names.map((name) => createVolume(bench.modal, name)));
    const found = new Set((await listVolumes(bench.modal)).map(({ name }) => name));
    assert.deepEqual(
      names.filter((name) => !found.has(name)),
      [],
    );
    await Promise.all(names.map((name) => deleteVolume(bench.modal, name)));
  });

  it('lists a folder with sizes, times, and types, and tells files from folders', async () => {
    await write('/list/one.txt', 'one');
    await write('/list/below/two.txt', 'two');
    const entries = await files.list('/list');
    assert.deepEqual(
      entries.map(({ name, type, bytes }) => [name, type, type === 'file' ? bytes : 0]),
      [
        ['below', 'directory', 0],
        ['one.txt', 'file', 3],
      ],
    );
    assert.ok(entries.every(({ modifiedMs }) => Math.abs(Date.now() - modifiedMs) < 60_000));
    assert.equal((await files.stat('/list/one.txt')).bytes, 3);
    assert.equal((await files.stat('/list')).type, 'directory');
    assert.equal((await files.stat('/')).type, 'directory');
    await assert.rejects(files.stat('/nothing'), problem('notFound'));
    await assert.rejects(files.list('/nothing'), problem('notFound'));
    await assert.rejects(files.list('/list/one.txt'), problem('notDirectory'));
    await assert.rejects(readAll(files, '/list', everything), problem('isDirectory'));
  });

  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(9 * MiB)],
    [
      'several blocks with zeros at their ends',
      Buffer.concat([randomBytes(8 * MiB - 10), Buffer.alloc(3 * MiB), randomBytes(7 * MiB)]),
    ],
  ] as const) {
    it(`keeps a file of ${what} byte for byte`, async () => {
      await files.write('/bytes.bin', contentOf(bytes));
      assert.ok(Buffer.from(await readAll(files, '/bytes.bin', everything)).equals(bytes));
    });
  }

  it('sends only the blocks that Modal lacks', async () => {
    const bytes = randomBytes(17 * MiB);
    await files.write('/again.bin', contentOf(bytes));
    const sent: number[] = [];
    let reads = 0;
    const content: Content = {
      bytes: bytes.length,
      read: async (start, length) => {
        reads += 1;
        return bytes.subarray(start, start + length);
      },
    };
    await files.write('/again copy.bin', content, { onSent: (count) => sent.push(count) });
    assert.equal(reads, 3, 'each block is read once, for its hash');
    assert.equal(
      sent.reduce((sum, each) => sum + each, 0),
      bytes.length,
    );
  });

  it('repeats the request for a block whose connection breaks, once', async () => {
    const original = globalThis.fetch;
    const broken = new Set<string>();
    let breaks = 1;
    globalThis.fetch = (input, init) => {
      const key = `${init?.method ?? 'GET'} ${input}`;
      if (breaks === 1 && broken.has(key)) return original(input, init);
      broken.add(key);
      return Promise.reject(new TypeError('fetch failed'));
    };
    try {
      await write('/broken.txt', 'whole');
      assert.equal(await read('/broken.txt'), 'whole');
      assert.deepEqual([...broken].map((key) => key.split(' ')[0]).sort(), ['GET', 'PUT']);
      breaks = 2;
      await assert.rejects(read('/broken.txt'), /fetch failed/);
    } finally {
      globalThis.fetch = original;
    }
  });

  it('copies, renames, and removes files and folders', async () => {
    await write('/from/a/b.txt', 'b');
    await files.copy('/from', '/copied');
    await files.rename('/from', '/moved/here');
    assert.deepEqual([await read('/copied/a/b.txt'), await read('/moved/here/a/b.txt')], ['b', 'b']);
    await assert.rejects(files.stat('/from'), problem('notFound'));
    await files.remove('/moved');
    await assert.rejects(files.stat('/moved'), problem('notFound'));
    await assert.rejects(files.remove('/moved'), problem('notFound'));
  });

  it('creates an empty folder', async () => {
    await files.makeDirectory('/empty/below');
    assert.deepEqual(await files.list('/empty/below'), []);
  });

  for (const name of ['two words', 'it’s "quoted" \'x\'', '🚀 rocket', 'two\nlines', 'back\\slash', '%2e$HOME`id`']) {
    it(`handles the name ${JSON.stringify(name)}`, async () => {
      await write(`/names/${name}`, name);
      assert.equal(await read(`/names/${name}`), name);
      assert.ok((await namesIn('/names')).includes(name));
      await files.rename(`/names/${name}`, `/names/${name}.moved`);
      assert.equal(await read(`/names/${name}.moved`), name);
      await files.remove(`/names/${name}.moved`);
      await assert.rejects(files.stat(`/names/${name}.moved`), problem('notFound'));
    });
  }

  it('writes small files to version 1 volumes, and says what to do with larger ones', async () => {
    await bench.modal.volumes.fromName('old', { createIfMissing: true, version: 1 });
    const old = volumeFiles(async () => bench.modal, 'old');
    await old.write('/a/b.txt', contentOf(Buffer.from('old')));
    await old.copy('/a/b.txt', '/c.txt');
    await old.remove('/a');
    assert.equal(String(await readAll(old, '/c.txt', everything)), 'old');
    await assert.rejects(old.write('/big', contentOf(Buffer.alloc(5 * MiB, 1))), {
      message: strings.tooLargeForVersion1('/big'),
    });
  });

  it('reports a deleted volume, and finds a new one with the same name', async () => {
    await createVolume(bench.modal, 'short');
    const short = volumeFiles(async () => bench.modal, 'short');
    await short.write('/a', contentOf(Buffer.from('first')));
    await deleteVolume(bench.modal, 'short');
    await assert.rejects(short.list('/'), problem('gone'));
    await createVolume(bench.modal, 'short');
    assert.deepEqual(await short.list('/'), []);
  });

  describe('transfers', () => {
    const untouched = { signal: new AbortController().signal, onBytes: () => {} };

    it('uploads and downloads folders and their contents', async () => {
      const from = join(folder, 'from');
      await mkdir(join(from, 'below', 'more'), { recursive: true });
      writeFileSync(join(from, 'a b.txt'), 'a');
      writeFileSync(join(from, 'below', 'more', 'ü.bin'), randomBytes(9 * MiB));
      let carried = 0;
      const options = { ...untouched, onBytes: (bytes: number) => (carried += bytes) };
      for (const pair of await filesToUpload(from, '/exchange')) await upload(files, pair, options);
      const pairs = await filesToDownload(files, '/exchange', join(folder, 'to'));
      for (const pair of pairs) await download(files, pair, options);
      assert.equal(carried, 2 * (9 * MiB + 1));
      assert.equal(readFileSync(join(folder, 'to', 'a b.txt'), 'utf8'), 'a');
      const [sent, came] = ['from', 'to'].map((side) => readFileSync(join(folder, side, 'below', 'more', 'ü.bin')));
      assert.ok(sent && came?.equals(sent));
    });

    it('leaves nothing behind if a download is canceled', async () => {
      await files.write('/large.bin', contentOf(randomBytes(40 * MiB)));
      const into = join(folder, 'canceled');
      const cancel = new AbortController();
      const options = { signal: cancel.signal, onBytes: () => cancel.abort() };
      const pair = { local: join(into, 'large.bin'), remote: '/large.bin', bytes: 40 * MiB };
      await assert.rejects(download(files, pair, options), { name: 'AbortError' });
      assert.deepEqual(readdirSync(into), []);
    });

    it('keeps the existing file if a download fails', async () => {
      const into = join(folder, 'broken');
      await mkdir(into);
      writeFileSync(join(into, 'large.bin'), 'before');
      const broken: RemoteFiles = {
        ...files,
        async *read(path, options) {
          let left = 2;
          for await (const part of files.read(path, options)) {
            if (left-- === 0) throw new Error('the connection is lost');
            yield part;
          }
        },
      };
      const pair = { local: join(into, 'large.bin'), remote: '/large.bin', bytes: 40 * MiB };
      await assert.rejects(download(broken, pair, untouched), /the connection is lost/);
      assert.deepEqual(readdirSync(into), ['large.bin']);
      assert.equal(readFileSync(join(into, 'large.bin'), 'utf8'), 'before');
    });

    it('reports a volume that is deleted during the download', async () => {
      await createVolume(bench.modal, 'leaving');
      const leaving = volumeFiles(async () => bench.modal, 'leaving');
      await leaving.write('/large.bin', contentOf(randomBytes(40 * MiB)));
      const pairs = await filesToDownload(leaving, '/', join(folder, 'leaving'));
      await deleteVolume(bench.modal, 'leaving');
      for (const pair of pairs) await assert.rejects(download(leaving, pair, untouched), problem('notFound'));
      assert.deepEqual(readdirSync(join(folder, 'leaving')), []);
    });

    it('rejects names that would lead out of the target folder', async () => {
      await write('/names/a\\..\\b', 'x');
      await assert.rejects(
        filesToDownload(files, '/names', folder),
        /^UserError: “a\\\.\.\\b” in “\/names” isn't a valid file name/,
      );
      await files.remove('/names');
    });
  });
});
