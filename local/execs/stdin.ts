/** The destination of the bytes for a process. */
export interface Sink {
  /** Resolves when the bytes have been accepted. Rejects if the process has closed its stdin. */
  write(data: Uint8Array): Promise<void>;
  end(): void;
}

import { failedPrecondition } from '../grpc/status.ts';

const GONE: Sink = {
  write: () => Promise.reject(failedPrecondition('The process has exited')),
  end: () => {},
};

/**
 * The stdin of a process. Clients write by offset, so that repeated writes are harmless and writes out of order are
 * rejected, or with a stream, of which only the newest may write.
 */
export class Stdin {
  #sink: Sink;
  readonly #onWrite: () => void;
  #accepted = 0;
  #closed = false;
  #gone = false;
  #lastWrite: Promise<void> = Promise.resolve();
  /** The number of the newest stream. */
  #stream = 0;

  constructor(sink: Sink, onWrite: () => void) {
    this.#sink = sink;
    this.#onWrite = onWrite;
  }

  get status(): { numBytesWritten: number; closed: boolean } {
    return { numBytesWritten: this.#accepted, closed: this.#closed };
  }

  /** Makes all further writes fail, because the process has exited. */
  processEnded(): void {
    this.#gone = true;
    this.#sink = GONE;
  }

  /**
   * Writes `data` at an offset of the whole input. Resolves when the data is in the process's pipe. Throws
   * FAILED_PRECONDITION for a gap, and for data after the end of the input.
   */
  async write(offset: number, data: Uint8Array, eof: boolean): Promise<void> {
    if (offset > this.#accepted) {
      throw failedPrecondition(`stdin offset ${offset} is beyond the ${this.#accepted} bytes written so far`);
    }
    const fresh = data.subarray(this.#accepted - offset);
    if (fresh.length > 0) this.#push(fresh);
    await this.#lastWrite;
    if (eof) this.#end();
  }

  /**
   * Opens a stream that continues at `offset`, and invalidates any earlier one. Throws FAILED_PRECONDITION unless exactly
   * `offset` bytes have been written.
   */
  openStream(offset: number): { write(data: Uint8Array): Promise<void>; end(): Promise<void> } {
    const own = ++this.#stream;
    if (this.#gone) throw failedPrecondition('The process has exited');
    if (offset !== this.#accepted) {
      throw failedPrecondition(
        `stdin stream starts at offset ${offset}, but ${this.#accepted} bytes were written so far`,
      );
    }
    const check = () => {
      if (own !== this.#stream) throw failedPrecondition('Another stdin stream has replaced this one');
    };
    return {
      write: async (data) => {
        check();
        this.#push(data);
        await this.#lastWrite;
      },
      end: async () => {
        check();
        await this.#lastWrite;
        this.#end();
      },
    };
  }

  /** Invalidates an open stream, so that it cannot add bytes after its client has asked for the offset to resume at. */
  evictStream(): void {
    this.#stream++;
  }

  #push(data: Uint8Array): void {
    if (this.#closed) throw failedPrecondition('stdin is closed');
    if (this.#gone) throw failedPrecondition('The process has exited');
    this.#accepted += data.length;
    this.#onWrite();
    const before = this.#lastWrite;
    this.#lastWrite = before.then(() => this.#sink.write(data));
    this.#lastWrite.catch(() => {});
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.end();
  }
}
