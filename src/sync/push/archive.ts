import * as zlib from 'node:zlib';
import type { SyncedEntry, SyncIndex } from '../index/entries.ts';
import { writeManifest } from '../remote/manifest.ts';
import { foldersOf } from '../rules/git-index.ts';
import type { Packer } from './pack.ts';
import { movesOf, type Plan } from './plan.ts';

export type Compression = 'raw' | 'gzip' | 'zstd';

/** The contents of an archive. */
export interface ArchiveContents {
  /** The generation that the archive leads to. */
  readonly next: string;
  /** True if its manifest file replaces all earlier ones. */
  readonly full: boolean;
  readonly plan: Plan;
  readonly packer: Packer;
}

/** Bytes compressed as a sample, to see if compression helps. */
const SAMPLE_BYTES = 64 * 1024;

/**
 * Yields a push's archive in pieces: the entries to put, then the lists that the apply script reads, the manifest last.
 */
export function* archiveOf(
  root: string,
  { next, full, plan, packer }: ArchiveContents,
  index: SyncIndex,
): Generator<Buffer> {
  yield* packer.entries(root, plan.puts);
  const { sent } = packer.packed;
  const moves = movesOf(
    sent.map(({ path }) => path),
    index,
  );
  const gone = [...plan.deletes, ...plan.emptied, ...plan.released];
  if (plan.deletes.length > 0) yield* packer.text('rm', list(plan.deletes.map((path) => `./${path}`)));
  if (plan.deletes.length > 0) yield* packer.text('up', list([...foldersOf(plan.deletes)]));
  if (plan.emptied.length > 0) yield* packer.text('rd', list(plan.emptied.map((path) => `./${path}`)));
  if (moves.length > 0) yield* packer.text('mv', list(moves));
  if (full) yield* packer.text('full', Buffer.alloc(0));
  const put = merged(full ? [...index.entries.values()] : pulledIn(index), gone, sent);
  yield* packer.text('log', writeManifest(next, full, put, gone));
  yield* packer.end();
}

function list(paths: readonly string[]): Buffer {
  return Buffer.from(paths.map((path) => `${path}\0`).join(''));
}

/** The manifest's entries: those that stay unchanged, and those that are sent. */
function merged(
  staying: readonly SyncedEntry[],
  gone: readonly string[],
  sent: readonly SyncedEntry[],
): readonly SyncedEntry[] {
  if (staying.length === 0) return sent;
  const replaced = new Set([...gone, ...sent.map(({ path }) => path)]);
  return [...staying.filter(({ path }) => !replaced.has(path)), ...sent];
}

/** Entries that the manifest doesn't contain yet. */
export function pulledIn({ pulled, entries }: SyncIndex): SyncedEntry[] {
  return [...pulled].flatMap((path) => entries.get(path) ?? []);
}

/** Compresses one piece on its own. gunzip and zstd accept concatenated pieces as one stream. */
export function compress(piece: Buffer, compression: Compression): Uint8Array<ArrayBuffer> {
  if (compression === 'raw') return piece as Buffer<ArrayBuffer>;
  if (compression === 'zstd') return zlib.zstdCompressSync(piece) as Buffer<ArrayBuffer>;
  const sample = piece.subarray(0, SAMPLE_BYTES);
  const helps = zlib.gzipSync(sample, { level: 1 }).length < sample.length * 0.95;
  return zlib.gzipSync(piece, { level: helps ? 1 : 0 }) as Buffer<ArrayBuffer>;
}
