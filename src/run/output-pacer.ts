import { setTimeout as sleep } from 'node:timers/promises';

/** The output per frame with which VS Code's terminal can keep up: 16 MB per second. */
const FRAME_BYTES = 256 * 1024;
const FRAME_MS = 16;
/** A program that has printed more than this lately may have printed more than has arrived. */
const FLOOD_BYTES = 1024 * 1024;
/** How long ago “lately” is. After as long a silence, everything printed so far has arrived, whatever the load. */
const SETTLED_MS = 5_000;
/** While output is skipped, its end is shown after this silence, such as the prompt of a shell. */
const PAUSE_MS = 200;
/** A program that has printed little before each of this many pauses has stopped flooding. */
const CALM_PAUSES = 3;
/** More than can be on its way between program and terminal, so what follows was printed after the interrupt. */
const MAX_BACKLOG_BYTES = 256 * 1024 * 1024;
/** The maximum length of the end of skipped output that is shown, because a program's last lines matter most. */
const SHOWN_BYTES = 64 * 1024;
/** The interval at which the number of skipped bytes is reported. */
const REPORT_INTERVAL_MS = 200;
const NEWLINE = 10;

/** Receives reports of skipped output, in bytes. */
export interface SkipListener {
  /** Called repeatedly while output is being skipped. */
  skipping(bytes: number): void;
  /** Called where the bytes are missing from the output. */
  skipped(bytes: number): void;
}

export interface PacerOptions {
  /** Passes output on as fast as it arrives, because no terminal has to show it. */
  readonly isUnpaced?: boolean | undefined;
  /** Without pacing: resolves once the receiver takes more. */
  room?(): Promise<void> | undefined;
}

/** Output that is being skipped. */
interface Skipping {
  /** The bytes that weren't shown since the last pause, and the last of them. */
  bytes: number;
  lastBytes: Buffer;
  totalBytes: number;
  calmPauses: number;
  /** True while nothing has arrived for `PAUSE_MS`. */
  isPaused: boolean;
  /** Skips to the end of the stream. */
  isFinal: boolean;
}

/**
 * Passes on a program's output at the speed that a terminal can show. VS Code's queue for an extension's output has no
 * limit, so a fast program is read no faster than this; the rest waits in the program's own pipe.
 *
 * After an interrupt, a flood is skipped. How long a read takes says nothing about whether it's over, because any part of the
 * way may stand still for a moment. So until there is better evidence, only the last bytes before each pause are shown,
 * which is everything if the program prints little.
 */
export class OutputPacer {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #skips: SkipListener;
  readonly #options: PacerOptions;
  #reportedAt = 0;
  #frameEnd = 0;
  #inFrame = 0;
  /** The bytes that arrived lately: those of a time ago count for less. */
  #recentBytes = 0;
  #recentAt = 0;
  #skipping: Skipping | undefined;
  #pausing: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #hold: Promise<void> | undefined;

  constructor(write: (bytes: Uint8Array) => void, skips: SkipListener, options: PacerOptions = {}) {
    this.#write = write;
    this.#skips = skips;
    this.#options = options;
  }

  /**
   * Skips output that was printed before an interrupt and couldn't be shown yet, as a terminal's driver does. Does nothing
   * if the program has printed little lately.
   */
  skipAhead(): void {
    this.#noteBytes(0);
    if (this.#recentBytes <= FLOOD_BYTES && !this.#skipping) return;
    this.#startSkipping(this.#skipping?.isFinal ?? false);
    if (this.#skipping) this.#skips.skipping(this.#skipping.bytes);
  }

  /**
   * Skips all further output except for its last bytes, because the program is being stopped. Reads nothing until the request
   * to stop it has been sent, because a flood would delay that.
   */
  skipRest(sent: Promise<void>): void {
    this.#startSkipping(true);
    this.#hold = sent;
  }

  /** Notes that the user typed something. If the program waits for that, its answer isn't skipped. */
  typed(): void {
    if (this.#skipping?.isPaused && !this.#skipping.isFinal) this.#skipping = undefined;
  }

  /** Passes on a stream to its end. */
  async copy(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#hasEnded = false;
    try {
      for await (const chunk of chunks) {
        clearTimeout(this.#pausing);
        if (this.#hasEnded) return;
        this.#noteBytes(chunk.length);
        await this.#pass(chunk);
        if (this.#skipping) this.#expectPause(this.#skipping);
        await this.#hold;
      }
    } finally {
      this.end();
    }
  }

  /** Shows the end of what was skipped. Nothing is passed on any more. */
  end(): void {
    clearTimeout(this.#pausing);
    if (this.#skipping) this.#show(this.#skipping);
    this.#skipping = undefined;
    this.#hasEnded = true;
  }

  #noteBytes(bytes: number): void {
    const now = performance.now();
    this.#recentBytes = this.#recentBytes * Math.exp((this.#recentAt - now) / SETTLED_MS) + bytes;
    this.#recentAt = now;
  }

  async #pass(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length && !this.#hasEnded; ) {
      if (this.#skipping) return this.#skip(this.#skipping, chunk.subarray(start));
      if (this.#options.isUnpaced) {
        this.#write(chunk.subarray(start));
        return this.#options.room?.();
      }
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

  #startSkipping(isFinal: boolean): void {
    if (this.#hasEnded) return;
    const { bytes, lastBytes } = this.#skipping ?? { bytes: 0, lastBytes: Buffer.alloc(0) };
    this.#skipping = { bytes, lastBytes, totalBytes: 0, calmPauses: 0, isPaused: false, isFinal };
    this.#expectPause(this.#skipping);
  }

  #skip(skipping: Skipping, chunk: Uint8Array): void {
    const lastBytes = Buffer.concat([skipping.lastBytes, chunk.subarray(Math.max(0, chunk.length - SHOWN_BYTES))]);
    skipping.lastBytes = lastBytes.subarray(Math.max(0, lastBytes.length - SHOWN_BYTES));
    skipping.bytes += chunk.length;
    skipping.totalBytes += chunk.length;
    skipping.isPaused = false;
    if (skipping.totalBytes >= MAX_BACKLOG_BYTES && !skipping.isFinal) {
      this.#show(skipping);
      this.#skipping = undefined;
    } else if (performance.now() >= this.#reportedAt + REPORT_INTERVAL_MS) {
      this.#reportedAt = performance.now();
      this.#skips.skipping(skipping.bytes);
    }
  }

  /** Waits for a pause, and then for the silence after which skipping ends. */
  #expectPause(skipping: Skipping): void {
    clearTimeout(this.#pausing);
    this.#pausing = setTimeout(() => {
      if (this.#skipping !== skipping) return;
      skipping.isPaused = true;
      if (skipping.bytes > SHOWN_BYTES) skipping.calmPauses = 0;
      else if (skipping.bytes > 0) skipping.calmPauses += 1;
      this.#show(skipping);
      if (skipping.isFinal) return;
      // If this process itself stood still, what arrived meanwhile gets its turn first.
      const settle = () => setImmediate(() => this.#settle(skipping));
      if (skipping.calmPauses >= CALM_PAUSES) settle();
      else this.#pausing = setTimeout(settle, SETTLED_MS - PAUSE_MS);
    }, PAUSE_MS);
  }

  #settle(skipping: Skipping): void {
    if (this.#skipping === skipping && skipping.isPaused) this.#skipping = undefined;
  }

  #show(skipping: Skipping): void {
    const { bytes, lastBytes } = skipping;
    skipping.bytes = 0;
    skipping.lastBytes = Buffer.alloc(0);
    if (bytes === 0) return;
    // Don't start in the middle of a line.
    const firstLine = bytes > lastBytes.length ? lastBytes.indexOf(NEWLINE) + 1 : 0;
    const shown = lastBytes.subarray(firstLine);
    if (bytes > shown.length) this.#skips.skipped(bytes - shown.length);
    this.#write(shown);
  }
}
