import { createHash, hash as hashOnce } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Entry, isRacy, type SyncedEntry } from '../index/entries.ts';
import { reasonOf, shortHash } from '../scan/read-entry.ts';
import type { Skipped } from '../scan/scan.ts';
import { strings } from '../strings.ts';
import { BLOCK, headerBytes, type Member, padded, RECORD, writeHeader } from './tar.ts';

const SLAB_BYTES = 1024 * 1024;
/** Files up to this size are read in one go, so that the size in the header is the size that was read. */
const WHOLE_FILE_BYTES = 256 * 1024;
/** How pointers begin, and what they look like with each of the names that Git LFS has had. */
const VERSION = Buffer.from('version ');
const LFS_POINTER =
  /^version (?:https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\/v1|http:\/\/git-media\.io\/v\/2)\r?\n[\s\S]*^oid sha256:[\da-f]{64}\r?$/m;
const MAX_POINTER_BYTES = 1024;
const onWindows = process.platform === 'win32';

/** The entries that went into an archive. */
export interface Packed {
  readonly sent: SyncedEntry[];
  /** Files that disappeared or couldn't be read. */
  readonly skipped: Skipped[];
  /** Files whose contents are in Git LFS, and that only refer to them. */
  readonly lfsPointers: string[];
  files: number;
  /** Bytes of file contents. */
  bytes: number;
}

function isLfsPointer(content: Buffer): boolean {
  if (content.length > MAX_POINTER_BYTES || !content.subarray(0, VERSION.length).equals(VERSION)) return false;
  return LFS_POINTER.test(content.toString('latin1'));
}

/** Writes an archive as buffers of one MiB, each with its own ArrayBuffer. Synchronous, for use in a worker. */
export class Packer {
  readonly packed: Packed = { sent: [], skipped: [], lfsPointers: [], files: 0, bytes: 0 };
  #slab = Buffer.alloc(0);
  #used = 0;
  #total = 0;
  readonly #slabBytes: number;
  readonly #folder: string;

  /**
   * `folder` is what all members are in. `expectedBytes` is the expected size of the contents, so that small archives don't
   * get large buffers.
   */
  constructor(folder: string, expectedBytes = SLAB_BYTES) {
    this.#folder = folder;
    this.#slabBytes = Math.min(SLAB_BYTES, Math.max(64 * 1024, padded(expectedBytes * 2)));
  }

  /** Adds entries below `root` as members named `FOLDER/t/PATH`. */
  *entries(root: string, entries: Iterable<Entry>): Generator<Buffer> {
    for (const entry of entries) {
      if (entry.kind === 'file') yield* this.#file(root, entry);
      else {
        yield* this.#header(this.#member(entry, entry.executable, 0));
        this.packed.sent.push({ ...entry, hash: '', racy: false, uncertain: false });
      }
    }
  }

  /** Adds a member with the given content. */
  *text(name: string, content: Buffer): Generator<Buffer> {
    yield* this.#header({
      name: `${this.#folder}/${name}`,
      type: 'file',
      executable: false,
      size: content.length,
      mtimeMs: 0,
    });
    for (let at = 0; at < content.length; ) {
      yield* this.#room(1);
      const bytes = content.copy(this.#slab, this.#used, at);
      this.#used += bytes;
      at += bytes;
    }
    yield* this.#zeros(padded(content.length) - content.length);
  }

  /** Ends the archive. */
  *end(): Generator<Buffer> {
    const total = this.#total + this.#used + 2 * BLOCK;
    yield* this.#zeros(2 * BLOCK + ((RECORD - (total % RECORD)) % RECORD));
    yield* this.#flush();
  }

  *#file(root: string, entry: Entry): Generator<Buffer> {
    let fd: number;
    try {
      fd = openSync(`${root}/${entry.path}`, 'r');
    } catch (error) {
      this.packed.skipped.push({ path: entry.path, reason: reasonOf(error, entry.path) });
      return;
    }
    try {
      const readAtMs = Date.now();
      const stat = fstatSync(fd);
      if (!stat.isFile()) {
        this.packed.skipped.push({ path: entry.path, reason: strings.replacedWhileRead() });
        return;
      }
      const read: Entry = {
        ...entry,
        size: stat.size,
        mtimeMs: stat.mtimeMs,
        ctimeMs: stat.ctimeMs,
        ino: stat.ino,
        executable: onWindows ? entry.executable : (stat.mode & 0o100) !== 0,
      };
      if (stat.size <= WHOLE_FILE_BYTES) yield* this.#whole(fd, read, readAtMs);
      else yield* this.#large(fd, read, readAtMs);
    } finally {
      closeSync(fd);
    }
  }

  *#whole(fd: number, entry: Entry, readAtMs: number): Generator<Buffer> {
    const header = headerBytes(this.#member(entry, false, 0));
    yield* this.#room(header + padded(entry.size + 1));
    const slab = this.#slab;
    const start = this.#used + header;
    // Reads one byte more than expected, to notice a file that grew.
    let bytes = 0;
    for (let got = 1; got > 0 && bytes <= entry.size; bytes += got)
      got = readSync(fd, slab, start + bytes, entry.size + 1 - bytes, null);
    const isStable = bytes === entry.size;
    bytes = Math.min(bytes, entry.size);
    const executable = entry.executable || (onWindows && slab.toString('latin1', start, start + 2) === '#!');
    const content = slab.subarray(start, start + bytes);
    if (isLfsPointer(content)) this.packed.lfsPointers.push(entry.path);
    const digest = hashOnce('sha256', content, 'buffer');
    const end = writeHeader(slab, this.#used, this.#member(entry, executable, bytes));
    if (end !== start) slab.copyWithin(end, start, start + bytes);
    slab.fill(0, end + bytes, end + padded(bytes));
    this.#used = end + padded(bytes);
    this.#done({ ...entry, size: bytes, executable: entry.executable }, digest, readAtMs, isStable);
  }

  /** Cuts a file that grows at the header's size, and pads one that shrinks with zeros. Both are sent again. */
  *#large(fd: number, entry: Entry, readAtMs: number): Generator<Buffer> {
    const hash = createHash('sha256');
    yield* this.#header(this.#member(entry, entry.executable, entry.size));
    let left = entry.size;
    while (left > 0) {
      yield* this.#room(1);
      const bytes = readSync(fd, this.#slab, this.#used, Math.min(left, this.#slab.length - this.#used), null);
      if (bytes === 0) break;
      hash.update(this.#slab.subarray(this.#used, this.#used + bytes));
      this.#used += bytes;
      left -= bytes;
    }
    yield* this.#zeros(left + padded(entry.size) - entry.size);
    const after = fstatSync(fd);
    const isStable = left === 0 && after.size === entry.size && after.mtimeMs === entry.mtimeMs;
    this.#done(entry, hash.digest(), readAtMs, isStable);
  }

  #done(entry: Entry, digest: Buffer, readAtMs: number, isStable: boolean): void {
    this.packed.files += 1;
    this.packed.bytes += entry.size;
    this.packed.sent.push({ ...entry, hash: shortHash(digest), racy: isRacy(entry, readAtMs), uncertain: !isStable });
  }

  *#header(member: Member): Generator<Buffer> {
    yield* this.#room(headerBytes(member));
    this.#used = writeHeader(this.#slab, this.#used, member);
  }

  *#zeros(bytes: number): Generator<Buffer> {
    for (let left = bytes; left > 0; ) {
      yield* this.#room(1);
      const some = Math.min(left, this.#slab.length - this.#used);
      this.#slab.fill(0, this.#used, this.#used + some);
      this.#used += some;
      left -= some;
    }
  }

  *#room(bytes: number): Generator<Buffer> {
    if (this.#slab.length - this.#used >= bytes) return;
    yield* this.#flush();
    this.#slab = Buffer.from(new ArrayBuffer(Math.max(this.#slabBytes, bytes)));
  }

  *#flush(): Generator<Buffer> {
    if (this.#used === 0) return;
    const full = this.#slab.subarray(0, this.#used);
    this.#total += this.#used;
    this.#slab = Buffer.alloc(0);
    this.#used = 0;
    yield full;
  }

  #member(entry: Entry, executable: boolean, size: number): Member {
    const name = `${this.#folder}/t/${entry.path}`;
    return { name, type: entry.kind, executable, size, mtimeMs: entry.mtimeMs, target: entry.target };
  }
}
