/** Where the bytes for a process go. */
export interface Sink {
  /** Settles when the bytes have been taken. @throws when the other side is gone */
  write(data: Uint8Array): Promise<void>;
  end(): void;
}

import { failedPrecondition } from '../grpc/status.ts';

/**
 * The stdin of a process as clients write it: by offset, so that a repeated write does no harm and one out of order is
 * refused, or as a stream, of which only the newest is heard.
 */
export class Stdin {
  readonly #sink: Sink;
  readonly #onWrite: () => void;
  #accepted = 0;
  #closed = false;
  #gone = false;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Counts streams; one that is not the newest may not write. */
  #stream = 0;

  constructor(sink: Sink, onWrite: () => void) {
    this.#sink = sink;
    this.#onWrite = onWrite;
  }

  get status(): { numBytesWritten: number; closed: boolean } {
    return { numBytesWritten: this.#accepted, closed: this.#closed };
  }

  /** The process has ended: nothing can be written any more. */
  processEnded(): void {
    this.#gone = true;
  }

  /**
   * Writes `data`, which begins at `offset` of the whole; settles when it is in the process's pipe.
   * @throws FAILED_PRECONDITION for a gap, and for data after the end
   */
  async write(offset: number, data: Uint8Array, eof: boolean): Promise<void> {
    if (offset > this.#accepted) {
      throw failedPrecondition(`stdin offset ${offset} is ahead of the ${this.#accepted} bytes written so far`);
    }
    const fresh = data.subarray(this.#accepted - offset);
    if (fresh.length > 0) this.#push(fresh);
    await this.#lastWrite;
    if (eof) this.#end();
  }

  /**
   * Begins a stream of data at `offset`, which ends any earlier one.
   * @throws FAILED_PRECONDITION unless exactly `offset` bytes were written so far
   */
  openStream(offset: number): { write(data: Uint8Array): Promise<void>; end(): Promise<void> } {
    const own = ++this.#stream;
    if (this.#gone) throw failedPrecondition('The process has ended');
    if (offset !== this.#accepted) {
      throw failedPrecondition(`stdin stream begins at ${offset}, but ${this.#accepted} bytes were written so far`);
    }
    const check = () => {
      if (own !== this.#stream) throw failedPrecondition('Another stdin stream has taken over');
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

  /** Ends a stream that is still open, so that it cannot add bytes after its client has asked where to go on. */
  evictStream(): void {
    this.#stream++;
  }

  #push(data: Uint8Array): void {
    if (this.#closed) throw failedPrecondition('stdin is closed');
    if (this.#gone) throw failedPrecondition('The process has ended');
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
