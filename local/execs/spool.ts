/**
 * The output of a process, readable from any offset by any number of readers, both while it runs and afterwards. The last part
 * is in memory and the rest on disk. Both are bounded: when the disk's part is full, the process waits until a reader
 * has read, as on a pipe, and what was read longest ago is dropped.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { internal, outOfRange } from '../grpc/status.ts';
import { SpoolFiles } from './spool-files.ts';

/** The number of bytes of a stream that are kept in memory. */
const MEMORY_BYTES = 1024 * 1024;
/** A stream that has ended stays in memory up to this size. A larger one is moved to the disk completely. */
const ENDED_MEMORY_BYTES = 16 * 1024;
/** If more bytes than this aren't on the disk yet, the source has to wait. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;
/** The maximum number of bytes to read from the disk at once. */
const MAX_READ_BYTES = 1024 * 1024;
/** The sizes of memory blocks. They grow with the stream, because most streams are short. */
const BLOCK_BYTES = { min: 4 * 1024, max: 512 * 1024 };
/** The number of bytes of a stream that are kept. A command has two streams, so it takes at most twice as much on the disk. */
export const MAX_KEPT_BYTES = 128 * 1024 * 1024;
/** Bytes that were given to a reader this recently are kept, because a reader whose connection breaks asks for them again. */
const KEPT_BEHIND_BYTES = 32 * 1024 * 1024;
/**
 * While a reader makes progress, the source is at most this far ahead of it, as on a pipe. So what a flood has printed before
 * it's stopped is soon read.
 */
const MAX_LEAD_BYTES = 4 * 1024 * 1024;
/** A reader that has got nothing for this long isn't waited for while there is room. */
const STALLED_MS = 1_000;
/** What a process left in its pipe when it exited is kept in any case, as it can't wait any more. */
const EXIT_RESERVE_BYTES = 1024 * 1024;
/**
 * Each chunk that a reader gets becomes a message, and many small messages cost more than a few large ones. So output that
 * follows the previous chunk within `FLOW_GAP_MS` is held for `GATHER_MS`, to gather more.
 */
const FLOW_GAP_MS = 5;
const GATHER_MS = 1;

export interface SpoolOptions {
  /** What happens to a stream that is full. By default, the source waits. */
  readonly whenFull?: 'wait' | 'drop oldest';
}

/** A part of the stream, and the offset of its first byte. */
export interface Piece {
  readonly offset: number;
  readonly data: Buffer;
}

export class Spool {
  readonly #files: SpoolFiles;
  readonly #dropsUnread: boolean;
  /** The filled parts of the blocks. */
  #chunks: Buffer[] = [];
  /** The last block. The last chunk is its filled part. */
  #block: Buffer = Buffer.alloc(0);
  /** The stream offset of the first byte in `#chunks`. */
  #memoryStart = 0;
  /** The offset of the first byte that is kept. */
  #start = 0;
  #length = 0;
  #written = 0;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Why the rest of the stream couldn't be kept. */
  #failure: Error | undefined;
  #maxKeptBytes = MAX_KEPT_BYTES;
  #maxUnwrittenBytes = MAX_UNWRITTEN_BYTES;
  #ended = false;
  /** The offsets at which the current readers are. */
  readonly #readers = new Set<{ at: number }>();
  /** The highest offset that a reader has reached, and when. */
  #readTo = 0;
  #readAt = 0;
  #hasSourceExited = false;
  readonly #onData = new Wakeups();
  readonly #onRoom = new Wakeups();

  /** `path` is the beginning of the paths of the files for what doesn't fit in memory. */
  constructor(path: string, { whenFull = 'wait' }: SpoolOptions = {}) {
    this.#files = new SpoolFiles(path);
    this.#dropsUnread = whenFull === 'drop oldest';
  }

  /** True while a reader follows the stream. */
  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  /** The number of bytes that are kept. */
  get keptBytes(): number {
    return this.#length - this.#start;
  }

  /**
   * Appends a copy of a chunk. If a promise is returned, the source must wait for it, so that the disk or the readers can
   * catch up.
   */
  append(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#ended || this.#failure || chunk.length === 0) return undefined;
    for (let at = 0; at < chunk.length; ) at += this.#fill(chunk.subarray(at));
    this.#onData.wake();
    if (this.#length - this.#memoryStart <= MEMORY_BYTES) return undefined;
    void this.#startWriting();
    this.#dropOldest();
    return this.#mustWait ? this.#room() : undefined;
  }

  /**
   * Makes room for what the process left in its pipe, because it has exited and can't wait any more, neither for readers nor
   * for the disk.
   */
  sourceExited(): void {
    this.#hasSourceExited = true;
    this.#maxKeptBytes = MAX_KEPT_BYTES + EXIT_RESERVE_BYTES;
    this.#maxUnwrittenBytes = MAX_UNWRITTEN_BYTES + EXIT_RESERVE_BYTES;
    this.#onRoom.wake();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#length - this.#memoryStart > ENDED_MEMORY_BYTES || this.#writing || this.#written > 0) {
      // A write that is almost done may not notice the end any more.
      this.#closing = (this.#writing ?? Promise.resolve()).then(() => this.#startWriting());
    } else this.#compact();
    this.#onData.wake();
    this.#onRoom.wake();
  }

  get #mustWait(): boolean {
    return this.#isFull || this.#isBehind || this.#isAhead;
  }

  /** True if the source has to wait for a reader that is making progress. */
  get #isAhead(): boolean {
    if (this.#ended || this.#hasSourceExited || this.#dropsUnread || !this.isRead) return false;
    return this.#length - this.#readTo > MAX_LEAD_BYTES && Date.now() - this.#readAt < STALLED_MS;
  }

  /** True if the source has to wait until a reader makes progress. */
  get #isFull(): boolean {
    return !this.#ended && this.#length - this.#maxKeptBytes > Math.max(0, this.#droppable);
  }

  /** True if the source has to wait for the disk. */
  get #isBehind(): boolean {
    return !this.#ended && this.#length - this.#written > this.#maxUnwrittenBytes;
  }

  /** The offset up to which bytes may be dropped. */
  get #droppable(): number {
    if (this.#dropsUnread) return Number.POSITIVE_INFINITY;
    const unread = this.isRead ? Math.min(...[...this.#readers].map(({ at }) => at)) : this.#readTo;
    return unread - KEPT_BEHIND_BYTES;
  }

  async #room(): Promise<void> {
    while (this.#mustWait) await this.#onRoom.next(this.#isAhead ? AbortSignal.timeout(STALLED_MS) : undefined);
    this.#dropOldest();
  }

  #dropOldest(): void {
    const excess = Math.min(this.#length - this.#maxKeptBytes, this.#droppable, this.#written);
    if (excess > this.#start) this.#start = Math.max(this.#start, this.#files.dropBefore(excess));
  }

  /** Copies as much as fits into the last block, or into a new one if that is full. Returns the number of bytes copied. */
  #fill(bytes: Uint8Array): number {
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.length === this.#block.length) {
      const size = Math.min(Math.max(this.#length, bytes.length, BLOCK_BYTES.min), BLOCK_BYTES.max);
      this.#block = Buffer.allocUnsafeSlow(size);
      chunk = this.#block.subarray(0, 0);
      this.#chunks.push(chunk);
    }
    const copied = Math.min(bytes.length, this.#block.length - chunk.length);
    this.#block.set(bytes.subarray(0, copied), chunk.length);
    this.#chunks[this.#chunks.length - 1] = this.#block.subarray(0, chunk.length + copied);
    this.#length += copied;
    return copied;
  }

  /** Replaces the blocks of a short stream that has ended by one of its size. */
  #compact(): void {
    const bytes = Buffer.allocUnsafeSlow(this.#length - this.#memoryStart);
    Buffer.concat(this.#chunks).copy(bytes);
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#block = Buffer.alloc(0);
  }

  /** Writes to the disk what isn't there yet. If that fails, the rest of the stream is lost, and readers are told. */
  #startWriting(): Promise<void> {
    this.#writing ??= this.#writeOut()
      .catch((error) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        this.#length = this.#written;
        this.#chunks = [];
        this.#memoryStart = this.#written;
        this.#onData.wake();
        this.#onRoom.wake();
      })
      .finally(() => {
        this.#writing = undefined;
      });
    return this.#writing;
  }

  /**
   * Yields all bytes from `offset` as they arrive, until the stream ends or `signal` aborts. Throws OUT_OF_RANGE if the
   * bytes at `offset` have been dropped; if the source doesn't wait, continues after them.
   */
  async *read(offset: number, signal: AbortSignal): AsyncGenerator<Piece> {
    if (offset < this.#start && !this.#dropsUnread) {
      throw outOfRange(`The first ${this.#start} bytes of the output aren't kept any more`);
    }
    const reader = { at: offset };
    this.#readers.add(reader);
    try {
      yield* this.#follow(reader, signal);
    } finally {
      this.#readers.delete(reader);
      this.#onRoom.wake();
    }
  }

  async *#follow(reader: { at: number }, signal: AbortSignal): AsyncGenerator<Piece> {
    let givenAt = 0;
    while (!signal.aborted) {
      reader.at = Math.max(reader.at, Math.min(this.#start, this.#length));
      const isOnDisk = reader.at < this.#memoryStart;
      const data = isOnDisk
        ? await this.#files.read(reader.at, Math.min(MAX_READ_BYTES, this.#memoryStart - reader.at))
        : this.#fromMemory(reader.at);
      if (data.length > 0) {
        givenAt = Date.now();
        yield { offset: reader.at, data };
        reader.at += data.length;
        if (reader.at > this.#readTo) [this.#readTo, this.#readAt] = [reader.at, Date.now()];
        this.#onRoom.wake();
      } else if (reader.at < this.#start) {
        // Dropped in the meantime.
      } else if (reader.at >= this.#length && this.#failure) {
        throw internal(`The rest of the output couldn't be kept: ${this.#failure.message}`);
      } else if (reader.at >= this.#length && this.#ended) {
        return;
      } else {
        await this.#onData.next(signal);
        if (!this.#ended && Date.now() - givenAt < FLOW_GAP_MS) await pause(GATHER_MS);
      }
    }
  }

  /** Removes the files, and frees the memory. */
  async dispose(): Promise<void> {
    this.end();
    await this.#closing;
    this.#chunks = [];
    await this.#files.dispose();
  }

  #fromMemory(at: number): Buffer {
    let start = this.#memoryStart;
    for (const chunk of this.#chunks) {
      if (start + chunk.length > at) return chunk.subarray(at - start);
      start += chunk.length;
    }
    return Buffer.alloc(0);
  }

  /** Writes everything that is in memory to the disk, and then frees what exceeds the memory limit. */
  async #writeOut(): Promise<void> {
    while (this.#written < this.#length) {
      this.#written += await this.#files.write(this.#fromMemory(this.#written), this.#written);
      this.#trim(MEMORY_BYTES / 2);
      this.#onRoom.wake();
    }
    if (!this.#ended) return;
    this.#trim(0);
    await this.#files.finish();
  }

  /** Frees memory whose content is on the disk, except for the last `keptBytes`. */
  #trim(keptBytes: number): void {
    let drop = 0;
    let start = this.#memoryStart;
    for (const chunk of this.#chunks) {
      const next = start + chunk.length;
      if (next > this.#written || this.#length - next < keptBytes) break;
      start = next;
      drop++;
    }
    this.#chunks.splice(0, drop);
    this.#memoryStart = start;
  }
}

/** Lets several waiters wait for the same thing to happen. */
class Wakeups {
  #waiting = new Set<() => void>();

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next `wake`, or when the signal aborts. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      signal?.addEventListener('abort', wake);
      this.#waiting.add(wake);
    });
  }
}
