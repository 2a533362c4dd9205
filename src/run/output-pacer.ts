import { setTimeout as sleep } from 'node:timers/promises';

/** The output per frame with which VS Code's terminal can keep up: 16 MB per second. */
const FRAME_BYTES = 256 * 1024;
const FRAME_MS = 16;
/** A read that takes this long had to wait, so everything printed so far has been read. */
const CAUGHT_UP_MS = 30;
/** The maximum length of the end of skipped output that is shown, because a program's last lines matter most. */
const SHOWN_BYTES = 16 * 1024;
/** The interval at which the number of skipped bytes is reported. */
const REPORT_INTERVAL_MS = 200;
const NEWLINE = 10;

/** Receives reports of skipped output, in bytes. */
export interface SkipListener {
  /** Called repeatedly while output is being skipped. */
  skipping(bytes: number): void;
  /** Called at the end, where the bytes are missing from the output. */
  skipped(bytes: number): void;
}

/**
 * Passes on a program's output at the speed that a terminal can show. VS Code's queue for an extension's output has no
 * limit, so a fast program is read no faster than this; the rest waits in the program's own pipe.
 */
export class OutputPacer {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #skips: SkipListener;
  #reportedAt = 0;
  #frameEnd = 0;
  #inFrame = 0;
  /** The output being skipped: its size, and its last bytes. */
  #skipped: { bytes: number; lastBytes: Buffer } | undefined;

  constructor(write: (bytes: Uint8Array) => void, skips: SkipListener) {
    this.#write = write;
    this.#skips = skips;
  }

  /**
   * Skips output that was printed before an interrupt and couldn't be shown yet, as a terminal's driver does. Does nothing
   * if all output was shown as fast as it arrived.
   */
  skipAhead(): void {
    const isBehind = this.#inFrame >= FRAME_BYTES && performance.now() < this.#frameEnd + FRAME_MS;
    if (!isBehind || this.#skipped) return;
    this.#skipped = { bytes: 0, lastBytes: Buffer.alloc(0) };
    this.#skips.skipping(0);
  }

  /** Passes on a stream to its end. */
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
    const lastBytes = Buffer.concat([this.#skipped.lastBytes, chunk.subarray(Math.max(0, chunk.length - SHOWN_BYTES))]);
    this.#skipped.lastBytes = lastBytes.subarray(Math.max(0, lastBytes.length - SHOWN_BYTES));
    this.#skipped.bytes += chunk.length;
    if (performance.now() < this.#reportedAt + REPORT_INTERVAL_MS) return;
    this.#reportedAt = performance.now();
    this.#skips.skipping(this.#skipped.bytes);
  }

  async #stopSkipping(): Promise<void> {
    const skipped = this.#skipped;
    this.#skipped = undefined;
    if (!skipped || skipped.bytes === 0) return;
    // Don't start in the middle of a line.
    const firstLine = skipped.bytes > skipped.lastBytes.length ? skipped.lastBytes.indexOf(NEWLINE) + 1 : 0;
    const shown = skipped.lastBytes.subarray(firstLine);
    if (skipped.bytes > shown.length) this.#skips.skipped(skipped.bytes - shown.length);
    await this.#pass(shown);
  }
}
