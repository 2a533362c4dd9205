import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, linkSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { extract, type Header } from 'tar-stream';
import { type Entry, type SyncedEntry, SyncIndex } from '../../../src/sync/index/entries.ts';
import { readIndex, writeIndex } from '../../../src/sync/index/index-file.ts';
import { ArchiveSource, ResumeLost } from '../../../src/sync/push/archive-source.ts';
import { Packer } from '../../../src/sync/push/pack.ts';
import { makePlan, movesOf } from '../../../src/sync/push/plan.ts';
import { writeHeader } from '../../../src/sync/push/tar.ts';
import { readManifest, writeManifest } from '../../../src/sync/remote/manifest.ts';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { type Scan, scan } from '../../../src/sync/scan/scan.ts';
import { strings } from '../../../src/sync/strings.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

function entry(path: string, more: Partial<SyncedEntry> = {}): SyncedEntry {
  const base = {
    kind: 'file',
    executable: false,
    size: 1,
    mtimeMs: 1e12,
    ctimeMs: 1e12,
    ino: 1,
    hash: 'h',
    racy: false,
    uncertain: false,
  } as const;
  return { path, ...base, ...more };
}

function found(entries: readonly Entry[], more: Partial<Scan> = {}): Scan {
  const nothing = { released: [], unreadable: [], skipped: [], excluded: [], credentials: [], notices: [] };
  return { startedAtMs: 2e12, entries, scope: undefined, hashes: new Map(), ...nothing, ...more };
}

async function unpack(archive: Buffer): Promise<{ header: Header; content: Buffer }[]> {
  const reader = extract();
  reader.end(archive);
  const members: { header: Header; content: Buffer }[] = [];
  for await (const member of reader) {
    const parts: Buffer[] = [];
    for await (const part of member as AsyncIterable<Buffer>) parts.push(part);
    members.push({ header: member.header, content: Buffer.concat(parts) });
  }
  return members;
}

describe('makePlan', () => {
  const index = new SyncIndex([
    entry('a'),
    entry('d/x'),
    entry('d/y'),
    entry('e/f/g'),
    entry('full', { kind: 'folder', hash: '' }),
  ]);

  it('returns an empty plan if the scan equals the index', () => {
    const plan = makePlan(index, found([...index.entries.values()]));
    assert.deepEqual([plan.puts, plan.deletes, plan.emptied, plan.released], [[], [], [], []]);
  });

  it('removes folders that lose their last child, deepest first', () => {
    const left = [entry('a'), entry('d/y'), entry('full', { kind: 'folder', hash: '' })];
    const plan = makePlan(index, found(left));
    assert.deepEqual(
      [plan.deletes, plan.emptied],
      [
        ['d/x', 'e/f/g'],
        ['e/f', 'e'],
      ],
    );
  });

  it('deletes nothing below unreadable folders, and releases excluded paths', () => {
    const plan = makePlan(index, found([entry('a')], { unreadable: ['d'], released: ['e'] }));
    assert.deepEqual([plan.deletes, plan.released, plan.emptied], [[], ['e/f/g'], ['full']]);
  });

  it('compares hashes if times differ, and always sends uncertain entries', () => {
    const touched = { ...entry('a'), mtimeMs: 5 };
    const same = makePlan(new SyncIndex([entry('a')]), found([bare(touched)], { hashes: new Map([['a', 'h']]) }));
    assert.deepEqual([same.puts.length, same.refreshed.length], [0, 1]);
    const other = makePlan(new SyncIndex([entry('a')]), found([bare(touched)], { hashes: new Map([['a', 'other']]) }));
    assert.equal(other.puts.length, 1);
    const uncertain = makePlan(new SyncIndex([entry('a', { uncertain: true })]), found([bare(entry('a'))]));
    assert.equal(uncertain.puts.length, 1);
  });

  it('deletes missing files even if a scan of some paths lists others repeatedly', () => {
    const twice = [...index.entries.values()].filter(({ path }) => path.startsWith('d/'));
    const plan = makePlan(index, found([...twice, ...twice, ...twice.slice(1)], { scope: ['d', 'd/x', 'a'] }));
    assert.deepEqual(plan.deletes, ['a']);
  });

  it('deletes only within the scope of the scan', () => {
    const plan = makePlan(index, found([], { scope: ['d/x'] }));
    assert.deepEqual([plan.deletes, plan.emptied], [['d/x'], []]);
    assert.deepEqual(makePlan(index, found([], { scope: ['e'] })).deletes, ['e/f/g']);
  });

  it("moves whole folders that the sandbox doesn't have, and single files elsewhere", () => {
    assert.deepEqual(movesOf(['new/a/b', 'new/c', 'd/z', 'e/h/i'], index), ['new', 'd/z', 'e/h']);
  });

  function bare({ hash: _, racy: __, uncertain: ___, ...rest }: SyncedEntry): Entry {
    return rest;
  }
});

describe('Packer', () => {
  after(removeTemporary);

  it('writes archives that tar-stream reads back, with any names and sizes', async () => {
    const root = temporaryFolder();
    const names = [
      'a',
      'é/ü',
      `${'x'.repeat(120)}/${'y'.repeat(90)}`,
      `${'z'.repeat(200)}/${'é'.repeat(100)}/${'w'.repeat(200)}`,
    ];
    writeTree(root, Object.fromEntries(names.map((name, at) => [name, 'c'.repeat(at * 511 + 1)])));
    writeFileSync(join(root, 'big'), Buffer.alloc(2_500_001, 7));
    const packer = new Packer('in');
    const { entries } = scan(new Rules(root));
    const archive = Buffer.concat([
      ...packer.entries(root, entries),
      ...packer.text('log', Buffer.from('x')),
      ...packer.end(),
    ]);
    assert.equal(archive.length % 10_240, 0);
    const members = await unpack(archive);
    assert.equal(members.length, names.length + 2);
    for (const { header, content } of members.slice(0, -1))
      assert.ok(content.equals(readFileSync(join(root, header.name.slice('in/t/'.length)))), header.name);
  });

  it('uses PAX headers for sizes over 8 GiB and long link targets', async () => {
    const slab = Buffer.alloc(8192);
    const size = 9_000_000_000;
    writeHeader(slab, 0, { name: 'big', type: 'file', executable: false, size, mtimeMs: 0 });
    assert.match(slab.toString('latin1'), /\d+ size=9000000000\n/);
    const end = writeHeader(slab, 0, {
      name: 'l',
      type: 'link',
      executable: false,
      size: 0,
      mtimeMs: 0,
      target: 't'.repeat(150),
    });
    const [member] = await unpack(Buffer.concat([slab.subarray(0, end), Buffer.alloc(1024)]));
    assert.equal(member?.header.linkname, 't'.repeat(150));
  });

  it("says that files can't be read, in the words of a scan", function () {
    if (!process.geteuid) this.skip(); // Windows has no permission bits.
    const root = writeTree(temporaryFolder(), { secret: 'x' });
    const { entries } = scan(new Rules(root));
    chmodSync(root, 0o755);
    chmodSync(join(root, 'secret'), 0);
    const packer = new Packer('in');
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      for (const _ of packer.entries(root, entries));
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    assert.deepEqual(packer.packed.skipped, [{ path: 'secret', reason: strings.cannotRead() }]);
  });

  it('skips missing files, and packs files that have grown with their new size', () => {
    const root = writeTree(temporaryFolder(), { gone: 'x', small: 'abc', large: 'x'.repeat(900_000) });
    const { entries } = scan(new Rules(root));
    rmSync(join(root, 'gone'));
    appendFileSync(join(root, 'small'), 'more');
    const packer = new Packer('in');
    for (const _ of packer.entries(root, entries)) truncateSync(join(root, 'large'), 10);
    const { skipped, sent } = packer.packed;
    assert.deepEqual(skipped, [{ path: 'gone', reason: 'ENOENT' }]);
    assert.deepEqual(
      sent.filter(({ path }) => path === 'small').map(({ size }) => size),
      [7],
    );
  });

  it('packs hard links as separate files, and only the executable bit of modes', async () => {
    const root = writeTree(temporaryFolder(), { one: 'x' });
    linkSync(join(root, 'one'), join(root, 'two'));
    chmodSync(join(root, 'one'), 0o4555);
    const packer = new Packer('in');
    const archive = Buffer.concat([...packer.entries(root, scan(new Rules(root)).entries), ...packer.end()]);
    const members = await unpack(archive);
    assert.deepEqual(
      members.map(({ header }) => [header.type, header.mode, header.size]),
      [
        ['file', 0o755, 1],
        ['file', 0o755, 1],
      ],
    );
  });

  it("isn't affected by a name that isn't UTF-8, which the scan reports", () => {
    const root = writeTree(temporaryFolder(), { fine: 'x' });
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff, 0xfe])]), 'x');
    const { entries, skipped } = scan(new Rules(root));
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['fine'],
    );
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      [strings.notUtf8()],
    );
  });
});

describe('ArchiveSource', () => {
  function source(pieces: number, pieceBytes: number): ArchiveSource {
    let number = 0;
    return new ArchiveSource(Buffer.from('raw\n'), async () => {
      number += 1;
      const bytes = number > pieces ? undefined : new Uint8Array(pieceBytes).fill(number);
      return { bytes, files: number, contentBytes: 0, path: '' };
    });
  }

  it('returns the same bytes from every offset, also after a reader that stopped early', async () => {
    const whole = Buffer.concat([Buffer.from('raw\n'), ...[1, 2, 3, 4].map((number) => Buffer.alloc(100, number))]);
    for (let offset = 0; offset <= whole.length; offset += 7) {
      const from = source(4, 100);
      for await (const piece of from.readFrom(0)) if (piece[0] === 2) break;
      const parts: Uint8Array[] = [];
      for await (const piece of from.readFrom(offset)) parts.push(piece);
      assert.deepEqual(Buffer.concat(parts), whole.subarray(offset));
    }
  });

  it('throws if an offset is no longer kept', async () => {
    const from = source(40, 1024 * 1024);
    for await (const _ of from.readFrom(0));
    await assert.rejects(async () => {
      for await (const _ of from.readFrom(5));
    }, ResumeLost);
  });
});

describe('Stored state', () => {
  after(removeTemporary);

  const saved = {
    generation: '00000007.abc',
    sequence: 7,
    index: new SyncIndex([
      entry('a\nb', { racy: true, executable: true, size: 5e9, ino: 2 ** 53, mtimeMs: 1.5 }),
      entry('d', { kind: 'folder', hash: '' }),
      { ...entry('l', { kind: 'link', hash: '', uncertain: true }), target: 'é/x' },
    ]),
  };

  it('reads back an index as it was written', () => {
    const path = join(temporaryFolder(), 'deep/x.index');
    writeIndex(path, saved);
    const read = readIndex(path);
    assert.deepEqual([...(read?.index.entries.values() ?? [])], [...saved.index.entries.values()]);
    assert.deepEqual([read?.generation, read?.sequence], [saved.generation, saved.sequence]);
    assert.equal(read?.index.hasFolder('d'), true);
  });

  it('ignores an index that is damaged or cut anywhere', () => {
    const path = join(temporaryFolder(), 'x.index');
    writeIndex(path, saved);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at += 3) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 0x15;
      writeFileSync(path, damaged);
      const read = readIndex(path);
      // With a changed generation, the index describes no sandbox.
      if (read)
        assert.ok(
          at < whole.indexOf(0x0a) && (read.generation !== saved.generation || read.sequence !== saved.sequence),
          `byte ${at}`,
        );
      writeFileSync(path, whole.subarray(0, at));
      assert.equal(readIndex(path), undefined);
    }
  });

  it('combines the files of a manifest unless one is damaged', () => {
    const first = writeManifest('1.a', true, [entry('a'), entry('b/c', { executable: true })], []);
    const second = writeManifest('2.b', false, [entry('b', { hash: 'h2' })], ['b/c', 'b']);
    const entries = readManifest([first, second]);
    assert.deepEqual([...(entries?.keys() ?? [])], ['a', 'b']);
    assert.equal(entries?.get('b')?.hash, 'h2');
    assert.equal(readManifest([second]), undefined);
    for (let cut = 0; cut < second.length; cut += 1)
      assert.equal(readManifest([first, second.subarray(0, cut)]), undefined);
  });
});
