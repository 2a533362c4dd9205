import { createHash, type Hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Extract, extract, type Header } from 'tar-stream';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { type Entry, isRacy, looksChanged } from '../index/entries.ts';
import { ALWAYS_EXCLUDED } from '../rules/builtin.ts';
import { hashFile, readEntry, shortHash } from '../scan/read-entry.ts';
import type { Skipped } from '../scan/scan.ts';
import { strings } from '../strings.ts';
import type { Core } from '../worker/core.ts';
import { linkLeadsInside } from './pull-links.ts';
import { decodeName } from './pull-matches.ts';
import { foldedName, isSensitive, nameRefusal } from './pull-names.ts';
import { TrailingEntries } from './trailing-entries.ts';

export interface ReceiveRequest {
  readonly sandboxId: string;
  /** Requested files, and folders with their contents. Anything else in the archive is refused. */
  readonly paths: readonly string[];
  /** Paths with unsaved changes in an editor. */
  readonly dirty: readonly string[];
  /** Sensitive paths that the user allowed. */
  readonly allowed: readonly string[];
}

/** A file that was changed on both sides. The sandbox's version was saved next to the local one. */
export interface Conflict {
  readonly path: string;
  /** The path of the sandbox's version. */
  readonly copy: string;
}

export interface Received {
  readonly files: number;
  readonly bytes: number;
  readonly written: readonly string[];
  /** Paths that were already equal. */
  readonly same: readonly string[];
  readonly conflicts: readonly Conflict[];
  /** Paths that weren't written, and why. */
  readonly refused: readonly Skipped[];
  /** Paths of files that affect what local programs run, which weren't written because they aren't allowed yet. */
  readonly sensitive: readonly string[];
}

/** The progress of a pull, and the path that is being received. */
export interface ReceiveProgress extends Pick<Received, 'files' | 'bytes'> {
  readonly path: string;
}

const MAX_ENTRIES = 500_000;
/** Only a name's bytes show if it is valid UTF-8. The package's types lack the option. */
const BYTE_NAMES: object = { filenameEncoding: 'latin1' };
const PaxSchema = z.object({ path: z.string().optional(), linkpath: z.string().optional() });

/** Unpacks an archive from a sandbox into the local folder. Nothing in it is trusted. */
export class PullReceiver {
  readonly #core: Core;
  readonly #maxEntries: number;
  #request: ReceiveRequest | undefined;
  #archive: Extract | undefined;
  #trailing = new TrailingEntries();
  #done: Promise<void> | undefined;
  #received: Writable<Received> = empty();
  readonly #names = new Set<string>();
  /** The path that is being received. */
  #path = '';

  constructor(core: Core, maxEntries = MAX_ENTRIES) {
    this.#core = core;
    this.#maxEntries = maxEntries;
  }

  begin(request: ReceiveRequest): void {
    this.#request = request;
    this.#received = empty();
    this.#names.clear();
    this.#archive = extract(BYTE_NAMES);
    this.#trailing = new TrailingEntries();
    this.#done = this.#unpack(this.#archive).catch((error: NodeJS.ErrnoException) => {
      // Errors of the disk have a code. The other ones say in which way the bytes aren't an archive.
      throw error.code || error instanceof UserError ? error : new UserError(strings.notArchive(), { cause: error });
    });
    this.#done.catch(() => {});
  }

  /** Receives a piece, and returns the progress. Throws if the archive is damaged or exceeds a limit. */
  async take(piece: Uint8Array): Promise<ReceiveProgress> {
    const archive = this.#archive;
    if (!archive) throw new Error('no archive is expected');
    const copy = Buffer.from(piece);
    this.#trailing.add(copy);
    // `#done` says what is wrong with a damaged archive.
    if (!archive.write(copy)) await Promise.race([once(archive, 'drain').catch(() => this.#done), this.#done]);
    const { files, bytes } = this.#received;
    return { files, bytes, path: this.#path };
  }

  async end(): Promise<Received> {
    this.#archive?.end(null);
    await this.#done;
    this.#dropLinksOut();
    if (this.#request) this.#core.states.save(this.#request.sandboxId);
    return this.#received;
  }

  abort(): void {
    this.#archive?.destroy(new Error('the pull was aborted'));
    this.#archive = undefined;
  }

  async #unpack(archive: Extract): Promise<void> {
    let entries = 0;
    const trailing = this.#trailing;
    for await (const entry of archive) {
      entries += 1;
      if (entries > this.#maxEntries) throw new UserError(strings.tooManyEntries(this.#maxEntries));
      const { header, isValid } = decodeHeader(entry.header);
      const path = header.name.replace(/^\.\//, '').replace(/\/$/, '');
      this.#path = path;
      const isReadable = trailing.hasReadableSize(header) && !isSparse(header);
      const reason = trailing.include(header)
        ? strings.afterEnd()
        : !isValid
          ? strings.notUtf8()
          : isReadable
            ? this.#refusal(path, header)
            : strings.unsupportedFormat();
      const isFolder = header.type === 'directory';
      if (reason === 'sensitive') this.#received.sensitive.push(...(isFolder ? [] : [path]));
      else if (reason) this.#received.refused.push({ path: path || header.name, reason });
      if (isFolder && !reason) mkdirSync(join(this.#core.rules.root, path), { recursive: true });
      if (reason || isFolder) entry.resume();
      else await this.#takeEntry(path, header, entry as AsyncIterable<Buffer>);
    }
  }

  /** Returns why an entry isn't written, `sensitive` if the user must be asked; undefined if it is written. */
  #refusal(path: string, header: Header): string | undefined {
    if (path === '' && header.type === 'directory') return undefined;
    const { paths = [], allowed = [] } = this.#request ?? {};
    const reason = nameRefusal(path, process.platform);
    if (reason) return reason;
    if (!paths.some((requested) => requested === '' || path === requested || path.startsWith(`${requested}/`)))
      return strings.notRequested();
    if (!['file', 'contiguous-file', 'symlink', 'directory'].includes(header.type))
      return strings.unsupportedType(header.type);
    if (isSensitive(path) && !allowed.includes(path)) return 'sensitive';
    const parts = path.split('/');
    if (header.type === 'directory') return this.#parentRefusal([...parts, '']);
    const foldsHere = process.platform === 'win32' || process.platform === 'darwin';
    const name = foldsHere ? foldedName(path) : path;
    if (this.#names.has(name)) return strings.duplicateName();
    this.#names.add(name);
    return this.#parentRefusal(parts) ?? this.#linkRefusal(path, header);
  }

  /** A link that is here already may stay. */
  #linkRefusal(path: string, { type, linkname = '' }: Header): string | undefined {
    if (type !== 'symlink' || linkLeadsInside(this.#core.rules.root, path, linkname)) return undefined;
    return this.#linkAt(path) === linkname ? undefined : strings.linkTo(linkname);
  }

  /** Drops links that lead outside by way of those that came after them. */
  #dropLinksOut(): void {
    const { root } = this.#core.rules;
    for (const path of this.#received.written.filter((each) => this.#linkAt(each) !== undefined)) {
      const target = this.#linkAt(path) ?? '';
      if (linkLeadsInside(root, path, target)) continue;
      rmSync(join(root, path));
      this.#received.written = this.#received.written.filter((each) => each !== path);
      this.#received.refused.push({ path, reason: strings.linkTo(target) });
      this.#core.states.get(this.#request?.sandboxId ?? '', false).index.delete(path);
    }
  }

  #linkAt(path: string): string | undefined {
    const full = join(this.#core.rules.root, path);
    return lstatSync(full, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(full) : undefined;
  }

  /** A link among the parents would lead outside the folder. */
  #parentRefusal(parts: readonly string[]): string | undefined {
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = parts.slice(0, depth).join('/');
      const stat = lstatSync(join(this.#core.rules.root, parent), { throwIfNoEntry: false });
      if (stat && !stat.isDirectory()) return strings.parentNotFolder(parent);
    }
    return undefined;
  }

  async #takeEntry(path: string, header: Header, content: AsyncIterable<Buffer>): Promise<void> {
    const full = join(this.#core.rules.root, path);
    mkdirSync(dirname(full), { recursive: true });
    const temporary = join(dirname(full), `${ALWAYS_EXCLUDED.temporary}${randomBytes(6).toString('hex')}`);
    let hash = '';
    try {
      if (header.type === 'symlink') symlinkSync(header.linkname, temporary);
      else hash = await this.#write(temporary, header, content);
      this.#place(path, full, temporary, header, hash);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A disk error concerns this file only. A damaged archive fails the whole pull.
      if (!code) throw error;
      this.#received.refused.push({ path, reason: code === 'ENOSPC' ? strings.diskFull() : message });
      if (header.type === 'symlink') for await (const _ of content);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** Creates a file, and returns its hash. Throws errors of the disk once the content has been read. */
  async #write(path: string, header: Header, content: AsyncIterable<Buffer>): Promise<string> {
    const digest: Hash = createHash('sha256');
    let fd: number | undefined;
    let failure: { readonly error: unknown } | undefined;
    const attempt = (work: () => void) => {
      try {
        if (!failure) work();
      } catch (error) {
        failure = { error };
      }
    };
    attempt(() => {
      fd = openSync(path, 'wx', header.mode & 0o100 ? 0o755 : 0o644);
    });
    try {
      // To its end in any case: the whole archive ends with an entry that isn't read.
      for await (const part of content) {
        digest.update(part);
        attempt(() => {
          for (let at = 0; at < part.length; ) at += writeSync(fd as number, part, at);
        });
        this.#received.bytes += part.length;
      }
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    if (failure) throw failure.error;
    utimesSync(path, header.mtime, header.mtime);
    return shortHash(digest.digest());
  }

  #place(path: string, full: string, temporary: string, header: Header, hash: string): void {
    const state = this.#localState(path, full, header, hash);
    this.#received.files += 1;
    if (state === 'same') this.#received.same.push(path);
    else if (state === 'changed') {
      const copy = freeName(full);
      renameSync(temporary, copy.full);
      this.#received.conflicts.push({ path, copy: path + copy.suffix });
      return;
    } else {
      renameSync(temporary, full);
      this.#received.written.push(path);
    }
    this.#remember(path, hash);
  }

  /** Returns whether the local file equals the received one, is still as it was synced, or has changed since. */
  #localState(path: string, full: string, header: Header, hash: string): 'same' | 'as-synced' | 'changed' {
    const synced = this.#core.states.get(this.#request?.sandboxId ?? '', false).index.get(path);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (this.#request?.dirty.includes(path)) return 'changed';
    if (!stat) return synced ? 'changed' : 'as-synced';
    if (header.type === 'symlink')
      return stat.isSymbolicLink() && readlinkSync(full) === header.linkname ? 'same' : 'changed';
    if (!stat.isFile()) return 'changed';
    const local = hashFile(full, () => {});
    if (local === hash) return 'same';
    const entry = readEntry(this.#core.rules.root, path) as Entry;
    if (synced?.kind !== 'file' || local === undefined) return 'changed';
    return synced.hash === local || !(synced.uncertain || looksChanged(synced, entry)) ? 'as-synced' : 'changed';
  }

  /** Records that both sides are equal now, so that the file isn't sent back. */
  #remember(path: string, hash: string): void {
    const entry = readEntry(this.#core.rules.root, path);
    if (typeof entry === 'string' || !this.#core.rules.explain(path).included) return;
    const state = this.#core.states.get(this.#request?.sandboxId ?? '', false);
    state.index.set({ ...entry, hash, racy: isRacy(entry, Date.now()), uncertain: false, pulled: true });
    state.changedRemotely.delete(path);
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };

function empty(): Writable<Received> {
  return { files: 0, bytes: 0, written: [], same: [], conflicts: [], refused: [], sensitive: [] };
}

/** Decodes the names in a header that was read as Latin-1. Those in pax records are decoded already. */
function decodeHeader(header: Header): { header: Header; isValid: boolean } {
  const { path, linkpath } = PaxSchema.parse(header.pax ?? {});
  const decode = (latin1: string, pax: string | undefined) =>
    pax === undefined ? decodeName(latin1) : { path: pax, isValid: !pax.includes('\ufffd') };
  const name = decode(header.name, path);
  const target = decode(header.linkname ?? '', linkpath);
  return {
    header: { ...header, name: name.path, ...(header.linkname && { linkname: target.path }) },
    isValid: name.isValid && target.isValid,
  };
}

/** Returns true if the content lacks the holes of a file. */
function isSparse({ type, pax }: Header): boolean {
  return !type || Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'));
}

/** Returns a free name next to the file: `NAME.remote`, `NAME.remote-2`, and so on. */
function freeName(full: string): { full: string; suffix: string } {
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '.remote' : `.remote-${number}`;
    if (!lstatSync(full + suffix, { throwIfNoEntry: false })) return { full: full + suffix, suffix };
  }
}
