import * as zlib from 'node:zlib';
import type { Sandbox } from 'modal';
import { untilAborted } from '../../base/cancellation.ts';
import type { Compression } from './archive.ts';

/** Compression would slow down connections faster than this. */
const FAST_BYTES_PER_SECOND = 80_000_000;
/** A sandbox that starts a process within this time is on this computer or nearby. */
const MAX_LOCAL_START_MS = 25;
const MIN_MEASURED_BYTES = 1_000_000;
const MIN_COMPRESSED_BYTES = 16 * 1024;
/** Sandboxes remembered at most, apart from those in use. */
const MAX_CONNECTIONS = 64;

/** The connection to one sandbox: its measured speed, and the queue of operations that use it. */
export class Connection {
  /**
   * Tools that the sandbox has: decompressors, and `perl` once that has applied a push. Nearly every image has gzip, so it is
   * assumed until the sandbox reports its own.
   */
  tools: readonly string[] = ['gzip'];
  #bytesPerSecond: number | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** True if no operation is running or waiting. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /**
   * Runs one operation at a time, in order. Rejects with the signal's reason as soon as it is aborted; an operation
   * that has started still finishes before the next one starts.
   */
  queued<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    const turn = this.#queue.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    const settle = () => {
      this.#pending -= 1;
    };
    this.#queue = turn.then(settle, settle);
    return untilAborted(turn, signal);
  }

  /** Updates the speed from bytes that were sent in a time. */
  measured(bytes: number, seconds: number): void {
    if (bytes > MIN_MEASURED_BYTES && seconds > 0) this.#bytesPerSecond = bytes / seconds;
  }

  /** Returns how to send this many bytes of content, given the time that a process took to start. */
  compression(startMs: number, bytes: number): Compression {
    if (bytes < MIN_COMPRESSED_BYTES) return 'raw';
    const isFast = this.#bytesPerSecond ? this.#bytesPerSecond > FAST_BYTES_PER_SECOND : startMs < MAX_LOCAL_START_MS;
    if (isFast) return 'raw';
    if (this.tools.includes('zstd') && typeof zlib.zstdCompressSync === 'function') return 'zstd';
    return this.tools.includes('gzip') ? 'gzip' : 'raw';
  }
}

/**
 * The connections to sandboxes. Engines that work with the same sandboxes share them, so that their pushes take turns.
 */
export class Connections {
  readonly #bySandbox = new Map<string, Connection>();

  of({ sandboxId }: Pick<Sandbox, 'sandboxId'>): Connection {
    const connection = this.#bySandbox.get(sandboxId) ?? new Connection();
    this.#bySandbox.delete(sandboxId);
    this.#bySandbox.set(sandboxId, connection);
    this.#dropOldest(connection);
    return connection;
  }

  #dropOldest(latest: Connection): void {
    for (const [sandboxId, connection] of this.#bySandbox) {
      if (this.#bySandbox.size <= MAX_CONNECTIONS) return;
      if (connection.isIdle && connection !== latest) this.#bySandbox.delete(sandboxId);
    }
  }
}
