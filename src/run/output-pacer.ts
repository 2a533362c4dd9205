import { setTimeout as sleep } from 'node:timers/promises';

/** What VS Code's terminal takes without falling behind: this many bytes a frame, 16 MB a second. */
const FRAME_BYTES = 256 * 1024;
const FRAME_MS = 16;
/** A read that takes this long had to wait: everything printed so far has been read. */
const CAUGHT_UP_MS = 30;
/** Of what is skipped, the end is shown all the same: the last words of a program matter most. */
const TAIL_BYTES = 16 * 1024;
/** How often is told how much was skipped so far. */
const TELL_MS = 200;
const NEWLINE = 10;

/** Is told about output that is left out, in bytes. */
export interface SkipListener {
  /** While it goes on: what is printed is still on its way here. */
  skipping(bytes: number): void;
  /** At its end, at the place where the bytes are missing. */
  skipped(bytes: number): void;
}

/**
 * Passes a program's output on at the speed a terminal can show. VS Code queues without bound what an extension writes,
 * so a fast program is read no faster than this; what it prints meanwhile waits in its own pipe.
 */
export class OutputPacer {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #skips: SkipListener;
  #toldAt = 0;
  #frameEnd = 0;
  #inFrame = 0;
  /** What is being skipped: bytes in all, and the last ones. Absent while nothing is. */
  #skipped: { bytes: number; tail: Buffer } | undefined;

  constructor(write: (bytes: Uint8Array) => void, skips: SkipListener) {
    this.#write = write;
    this.#skips = skips;
  }

  /**
   * After an interrupt: leaves out what was printed before it and could not be shown yet, as a terminal's driver does.
   * Does nothing to a program whose output was shown as fast as it came.
   */
  skipAhead(): void {
    const isBehind = this.#inFrame >= FRAME_BYTES && performance.now() < this.#frameEnd + FRAME_MS;
    if (!isBehind || this.#skipped) return;
    this.#skipped = { bytes: 0, tail: Buffer.alloc(0) };
    this.#skips.skipping(0);
  }

  /** Passes a stream on to its end. */
  async copy(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let askedAt = performance.now();
    for await (const chunk of chunks) {
      if (performance.now() - askedAt >= CAUGHT_UP_MS) await this.#stopSkipping();
      await this.#pass(chunk);
      askedAt = performance.now();
    }
    await this.#stopSkipping();
  }

  async #pass(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length; ) {
      if (this.#skipped) return this.#skip(chunk.subarray(start));
      const now = performance.now();
      if (now >= this.#frameEnd) {
        this.#frameEnd = now + FRAME_MS;
        this.#inFrame = 0;
      }
      if (this.#inFrame >= FRAME_BYTES) {
        await sleep(this.#frameEnd - now);
        continue;
      }
      const part = chunk.subarray(start, start + FRAME_BYTES - this.#inFrame);
      this.#write(part);
      this.#inFrame += part.length;
      start += part.length;
    }
  }

  #skip(chunk: Uint8Array): void {
    if (!this.#skipped) return;
    const tail = Buffer.concat([this.#skipped.tail, chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES))]);
    this.#skipped.tail = tail.subarray(Math.max(0, tail.length - TAIL_BYTES));
    this.#skipped.bytes += chunk.length;
    if (performance.now() < this.#toldAt + TELL_MS) return;
    this.#toldAt = performance.now();
    this.#skips.skipping(this.#skipped.bytes);
  }

  async #stopSkipping(): Promise<void> {
    const skipped = this.#skipped;
    this.#skipped = undefined;
    if (!skipped || skipped.bytes === 0) return;
    // A line is the smallest part that makes sense to a reader.
    const firstLine = skipped.bytes > skipped.tail.length ? skipped.tail.indexOf(NEWLINE) + 1 : 0;
    const shown = skipped.tail.subarray(firstLine);
    if (skipped.bytes > shown.length) this.#skips.skipped(skipped.bytes - shown.length);
    await this.#pass(shown);
  }
}
