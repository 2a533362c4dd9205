import * as zlib from 'node:zlib';
import type { Sandbox } from 'modal';
import { untilAborted } from '../../base/cancellation.ts';
import type { Compression } from './archive.ts';

/** Connections faster than this are not slowed down by compression. */
const FAST_BYTES_PER_SECOND = 80_000_000;
/** A sandbox that starts a process in this time is on this machine or beside it. */
const MAX_LOCAL_START_MS = 25;
const MIN_MEASURED_BYTES = 1_000_000;
const MIN_COMPRESSED_BYTES = 16 * 1024;

const links = new Map<string, Link>();

/** What is known about the connection to one sandbox, and the queue of what is done over it. */
export class Link {
  /** Programs in the sandbox that undo a compression; what nearly every image has, until it says itself. */
  decoders: readonly string[] = ['gzip'];
  #bytesPerSecond: number | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** The one of a sandbox, whatever engine asks. */
  static of({ sandboxId }: Sandbox): Link {
    const link = links.get(sandboxId) ?? new Link();
    links.set(sandboxId, link);
    return link;
  }

  /** One at a time. Rejects with the signal's reason at once, though what is under way ends by itself. */
  queued<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    this.#queue = turn.catch(() => {});
    return untilAborted(turn, signal);
  }

  /** Learns from bytes that were sent in a time. */
  measured(bytes: number, seconds: number): void {
    if (bytes > MIN_MEASURED_BYTES && seconds > 0) this.#bytesPerSecond = bytes / seconds;
  }

  /** How to send so many bytes of content, when a process took `startMs` to start. */
  compression(startMs: number, bytes: number): Compression {
    if (bytes < MIN_COMPRESSED_BYTES) return 'raw';
    const isFast = this.#bytesPerSecond ? this.#bytesPerSecond > FAST_BYTES_PER_SECOND : startMs < MAX_LOCAL_START_MS;
    if (isFast) return 'raw';
    if (this.decoders.includes('zstd') && typeof zlib.zstdCompressSync === 'function') return 'zstd';
    return this.decoders.includes('gzip') ? 'gzip' : 'raw';
  }
}
