import type { Generation } from '../index/generation.ts';
import type { Notice } from '../scan/notices.ts';
import type { Skipped } from '../scan/scan.ts';
import type { Reply } from './apply-script.ts';
import type { Compression } from './archive.ts';
import type { RunSyncOutcome } from './run-preamble.ts';

/** One piece of an archive; `bytes` is undefined at the archive's end. */
export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Files packed so far. */
  readonly files: number;
  /** Bytes of file contents packed so far. */
  readonly contentBytes: number;
  /** The path packed last. */
  readonly path: string;
}

/** The contents of a committed transfer. */
export interface Sent {
  readonly files: number;
  /** Bytes of file contents. */
  readonly bytes: number;
  readonly skipped: readonly Skipped[];
  /** What the user wasn't told yet. */
  readonly notices: readonly Notice[];
  /** Files that changed while they were being read, so another push is due. */
  readonly unstable: readonly string[];
}

/**
 * An archive on its way to one sandbox: opened from the push that was prepared last, read by `inline` or by
 * `nextChunk`, and ended by exactly one of `commit`, `withdraw`, and `abandon`. Only one transfer to a sandbox is open
 * at a time.
 */
export interface Transfer extends AsyncDisposable {
  /** The generation that the archive leads to. */
  readonly next: Generation;
  /** The generations that the sandbox may start from. */
  readonly accept: readonly Generation[];
  /** Free space that the sandbox needs, in KiB; 0 if that needn't be checked. */
  readonly neededKiB: number;

  /**
   * Returns the whole archive, compressed, with the line that precedes it; undefined if it is longer than `maxBytes`.
   * The archive is used up either way.
   */
  inline(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;

  /** Returns the next piece. May be called again before the last call has resolved; pieces come in order. */
  nextChunk(compression: Compression): Promise<Chunk>;

  /** Records that the sandbox applied the archive. */
  commit(): Promise<Sent>;

  /** Records that the sandbox can't have applied any of the archive. */
  withdraw(): Promise<void>;

  /** Records that the sandbox may have applied the archive or a part of it, so the next push sends all of it again. */
  abandon(): Promise<void>;

  /** Abandons the transfer unless it has ended. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Replies after which the sandbox's files are as they were. */
const UNCHANGED: ReadonlySet<string> = new Set<Reply['kind']>(['drift', 'room', 'full', 'no-tool', 'link', 'cut']);

/** Ends a transfer as its outcome requires. Resolves with what was sent if the sandbox applied it. */
export async function endTransfer(transfer: Transfer, { kind }: RunSyncOutcome): Promise<Sent | undefined> {
  if (kind === 'ok') return transfer.commit();
  await (UNCHANGED.has(kind) ? transfer.withdraw() : transfer.abandon());
  return undefined;
}
