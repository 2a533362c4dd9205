import type { Source } from '../../modal/exec.ts';
import type { Chunk } from './transfer.ts';

/** Bytes kept for a resumed connection. A connection never has more than this in flight. */
const MAX_RESUME_BYTES = 8 * 1024 * 1024;
/** Pieces requested ahead, so that the thread packs while the network sends. */
const PREFETCHED_CHUNKS = 4;

/** A connection was resumed at a point that is no longer kept, so the push must start over. */
export class ResumeLost extends Error {
  override name = 'ResumeLost';
}

/** An archive that comes from the thread. Keeps its latest part for a resumed connection. */
export class ArchiveSource implements Source {
  readonly #next: () => Promise<Chunk>;
  readonly #onChunk: (chunk: Chunk, sentBytes: number) => void;
  readonly #kept: Uint8Array[];
  #keptFrom = 0;
  #keptBytes: number;
  readonly #prefetched: Promise<Chunk>[] = [];
  #fetching: Promise<boolean> | undefined;
  #ended = false;

  /** `head` precedes the archive. `onChunk` is called for each piece that is sent, and for the end. */
  constructor(
    head: Uint8Array,
    next: () => Promise<Chunk>,
    onChunk: (chunk: Chunk, sentBytes: number) => void = () => {},
  ) {
    this.#kept = [head];
    this.#keptBytes = head.length;
    this.#next = next;
    this.#onChunk = onChunk;
  }

  /** Bytes read so far, with the head. */
  get bytes(): number {
    return this.#keptFrom + this.#keptBytes;
  }

  async *readFrom(offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; ; ) {
      if (at < this.#keptFrom) throw new ResumeLost('the connection was lost for too long');
      const piece = this.#at(at);
      if (piece) {
        yield piece;
        at += piece.length;
      } else if (!(await this.#fetch())) return;
    }
  }

  #at(offset: number): Uint8Array | undefined {
    let start = this.#keptFrom;
    for (const piece of this.#kept) {
      if (offset < start + piece.length) return piece.subarray(offset - start);
      start += piece.length;
    }
    return undefined;
  }

  /** Gets one more piece, shared by simultaneous readers. Resolves to false at the end. */
  #fetch(): Promise<boolean> {
    this.#fetching ??= this.#fetchOne().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchOne(): Promise<boolean> {
    if (this.#ended) return false;
    while (this.#prefetched.length < PREFETCHED_CHUNKS) {
      const chunk = this.#next();
      chunk.catch(() => {});
      this.#prefetched.push(chunk);
    }
    const chunk = (await this.#prefetched.shift()) as Chunk;
    if (!chunk.bytes) {
      this.#ended = true;
      this.#onChunk(chunk, this.bytes);
      return false;
    }
    this.#kept.push(chunk.bytes);
    this.#keptBytes += chunk.bytes.length;
    while (this.#keptBytes > MAX_RESUME_BYTES && this.#kept.length > 1) {
      const dropped = (this.#kept.shift() as Uint8Array).length;
      this.#keptBytes -= dropped;
      this.#keptFrom += dropped;
    }
    this.#onChunk(chunk, this.bytes);
    return true;
  }
}
