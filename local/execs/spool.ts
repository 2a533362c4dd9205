/**
 * The output of a process: everything it wrote, readable from any offset by any number of readers, both while it runs and
 * afterwards. The last part is in memory and the rest in a file, so a stream of any length needs a bounded amount of memory.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** The number of bytes of a stream that are kept in memory. */
const MEMORY_BYTES = 1024 * 1024;
/** A stream that has ended stays in memory up to this size. A larger one is moved to the file completely. */
const ENDED_MEMORY_BYTES = 64 * 1024;
/** If more bytes than this aren't in the file yet, the source has to wait. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;
/** The maximum number of bytes to read from the file at once. */
const MAX_READ_BYTES = 1024 * 1024;
/** The sizes of memory blocks. They grow with the stream, because most streams are short. */
const BLOCK_BYTES = { min: 4 * 1024, max: 512 * 1024 };
/**
 * Each chunk that a reader gets becomes a message, and many small messages cost more than a few large ones. So output that
 * follows the previous chunk within `FLOW_GAP_MS` is held for `GATHER_MS`, to gather more.
 */
const FLOW_GAP_MS = 5;
const GATHER_MS = 1;

export class Spool {
  readonly #path: string;
  /** The filled parts of the blocks. */
  #chunks: Buffer[] = [];
  /** The last block. The last chunk is its filled part. */
  #block: Buffer = Buffer.alloc(0);
  /** The stream offset of the first byte in `#chunks`. */
  #memoryStart = 0;
  #length = 0;
  #written = 0;
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #ended = false;
  #waiting = new Set<() => void>();

  /** `path` is the file for what doesn't fit in memory. It is created only if needed. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Appends a copy of a chunk. If a promise is returned, the source must wait for it, so that the disk can catch up. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#ended || chunk.length === 0) return undefined;
    for (let at = 0; at < chunk.length; ) at += this.#fill(chunk.subarray(at));
    this.#wake();
    if (this.#length - this.#memoryStart <= MEMORY_BYTES) return undefined;
    const writing = this.#startWriting();
    return this.#length - this.#written > MAX_UNWRITTEN_BYTES ? writing : undefined;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#length - this.#memoryStart > ENDED_MEMORY_BYTES) void this.#startWriting().catch(() => {});
    this.#wake();
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

  #startWriting(): Promise<void> {
    this.#writing ??= this.#writeOut().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Yields all bytes from `offset` as they arrive, until the stream ends or `signal` aborts. */
  async *read(offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    let at = offset;
    let givenAt = 0;
    while (!signal.aborted) {
      const piece = at < this.#memoryStart ? await this.#fromFile(at) : this.#fromMemory(at);
      if (piece.length > 0) {
        at += piece.length;
        givenAt = Date.now();
        yield piece;
      } else if (this.#ended && at >= this.#length) {
        return;
      } else {
        await this.#change(signal);
        if (!this.#ended && Date.now() - givenAt < FLOW_GAP_MS) await pause(GATHER_MS);
      }
    }
  }

  /** Removes the file, and frees the memory. */
  async dispose(): Promise<void> {
    this.end();
    await this.#writing?.catch(() => {});
    this.#chunks = [];
    if (!this.#file) return;
    await this.#file.close();
    this.#file = undefined;
    await rm(this.#path, { force: true });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      signal.addEventListener('abort', wake);
      this.#waiting.add(wake);
    });
  }

  #fromMemory(at: number): Buffer {
    let start = this.#memoryStart;
    for (const chunk of this.#chunks) {
      if (start + chunk.length > at) return chunk.subarray(at - start);
      start += chunk.length;
    }
    return Buffer.alloc(0);
  }

  async #fromFile(at: number): Promise<Buffer> {
    if (!this.#file) return Buffer.alloc(0);
    const length = Math.min(MAX_READ_BYTES, this.#memoryStart - at);
    const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  }

  /** Writes everything that is in memory to the file, and then frees what exceeds the memory limit. */
  async #writeOut(): Promise<void> {
    this.#file ??= await open(this.#path, 'w+', 0o600);
    while (this.#written < this.#length) {
      const { bytesWritten } = await this.#file.write(this.#fromMemory(this.#written), { position: this.#written });
      this.#written += bytesWritten;
      this.#trim(MEMORY_BYTES / 2);
    }
    if (this.#ended) this.#trim(0);
  }

  /** Frees memory whose content is in the file, except for the last `keptBytes`. */
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
