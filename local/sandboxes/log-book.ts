/** The latest lines that a sandbox's entrypoint wrote, with timestamps. */
import type { Spool } from '../execs/spool.ts';

const MAX_LINES = 20_000;
const MAX_LENGTH = 16 * 1024 * 1024;
/** Longer lines are split. */
const MAX_LINE_LENGTH = 64 * 1024;

export interface LogLine {
  /** The line, including its line break if it has one. */
  readonly data: string;
  /** One of `LogStream`. */
  readonly fileDescriptor: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The same in nanoseconds. */
  readonly timestampNs: string;
}

export class LogBook {
  readonly lines: LogLine[] = [];
  #last = 0n;
  /** The length of all lines together. */
  #length = 0;

  /** Logs the lines of a stream as they arrive. */
  follow(spool: Spool, fileDescriptor: number): void {
    void this.#follow(spool, fileDescriptor);
  }

  async #follow(spool: Spool, fileDescriptor: number): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const { data } of spool.read(0, new AbortController().signal)) {
      const pieces = (rest + decoder.decode(data, { stream: true })).split(/(?<=\n)/);
      rest = pieces.at(-1)?.endsWith('\n') ? '' : (pieces.pop() ?? '');
      for (const piece of pieces) this.#add(piece, fileDescriptor);
      if (rest.length > MAX_LINE_LENGTH) {
        this.#add(rest, fileDescriptor);
        rest = '';
      }
    }
    if (rest) this.#add(rest, fileDescriptor);
  }

  #add(data: string, fileDescriptor: number): void {
    // Timestamps must be unique, because clients use them to identify lines and to request the next page.
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    const timestamp = Number(this.#last / 1000n) / 1_000_000;
    this.lines.push({ data, fileDescriptor, timestamp, timestampNs: String(this.#last) });
    this.#length += data.length;
    while (this.lines.length > MAX_LINES || this.#length > MAX_LENGTH) {
      this.#length -= this.lines.shift()?.data.length ?? 0;
    }
  }
}
