import type { Source } from '../../modal/exec.ts';
import type { Chunk } from './transfer.ts';

/** Bytes kept for a resumed connection: more than a connection has under way. */
const MAX_RESUME_BYTES = 8 * 1024 * 1024;
/** Pieces asked for ahead, so that the thread packs while the network sends. */
const PREFETCHED_CHUNKS = 4;

/** The connection was cut further back than is kept: the push starts over. */
export class ResumeLost extends Error {
  override name = 'ResumeLost';
}

/** An archive as it comes from the worker, with its latest part kept for a resumed connection. */
export class ArchiveSource implements Source {
  readonly #next: () => Promise<Chunk>;
  readonly #onChunk: (chunk: Chunk, sentBytes: number) => void;
  readonly #kept: Uint8Array[];
  #keptFrom = 0;
  #keptBytes: number;
  readonly #ahead: Promise<Chunk>[] = [];
  #fetching: Promise<boolean> | undefined;
  #ended = false;

  /** `head` comes before the archive. `onChunk` is told of each piece as it goes out, and of the end. */
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

  /** Bytes of the archive so far. */
  get bytes(): number {
    return this.#keptFrom + this.#keptBytes;
  }

  async *readFrom(offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; ; ) {
      if (at < this.#keptFrom) throw new ResumeLost('the connection was cut for too long');
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

  /** Gets one more piece; two readers at once share it. False at the end. */
  #fetch(): Promise<boolean> {
    this.#fetching ??= this.#fetchOne().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchOne(): Promise<boolean> {
    if (this.#ended) return false;
    while (this.#ahead.length < PREFETCHED_CHUNKS) {
      const asked = this.#next();
      asked.catch(() => {});
      this.#ahead.push(asked);
    }
    const chunk = (await this.#ahead.shift()) as Chunk;
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
