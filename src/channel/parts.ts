import type { Readable } from 'node:stream';
import { type Credit, type CreditPool, MIN_CREDIT_BYTES } from './credit.ts';
import { Kind, MAX_PAYLOAD_BYTES, ProtocolError } from './frames.ts';
import type { Helper } from './helper.ts';

/** Pieces that wait for a reader are joined from this number on, so that tiny ones don't need much more memory than bytes. */
const MAX_PIECES = 256;
/** How much of a part a Node stream keeps beyond what its reader wants. */
export const HIGH_WATER_MARK_BYTES = 16 * 1024;

/** The bytes of a stream's part from the helper, for a reader. Gives the helper credit for more as they are read. */
export class Incoming {
  readonly #reader: Readable;
  readonly #credit: Credit;
  readonly #grant: (bytes: number) => void;
  readonly firstCredit: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isWanted = false;
  #isDiscarded = false;
  #hasEnded = false;

  constructor(reader: Readable, pool: CreditPool, grant: (bytes: number) => void) {
    this.#reader = reader;
    this.#grant = grant;
    this.#credit = pool.open();
    this.firstCredit = this.#credit.granted;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Takes bytes from the helper. Throws `ProtocolError` if they are more than it has credit for. */
  take(bytes: Uint8Array): void {
    if (this.#waitingBytes + bytes.length > this.#credit.granted || this.#hasEnded)
      throw new ProtocolError('Unwanted bytes');
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length >= MAX_PIECES) this.#waiting = [Buffer.concat(this.#waiting)];
    if (this.#isDiscarded) this.discard();
    this.#pass();
  }

  /** Notes that nothing follows. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#credit.keepOnly(this.#waitingBytes);
    this.#pass();
  }

  /** The reader wants bytes. */
  read(): void {
    this.#isWanted = true;
    this.#pass();
  }

  /** No one reads any more. Drops what is there and what follows. */
  discard(): void {
    this.#isDiscarded = true;
    for (const bytes of this.#waiting.splice(0)) this.#taken(bytes.length);
  }

  #pass(): void {
    while (this.#isWanted && !this.#isDiscarded) {
      const bytes = this.#waiting.shift();
      if (!bytes) break;
      this.#taken(bytes.length);
      this.#isWanted = this.#reader.push(bytes);
    }
    if (!this.#isWanted || this.#isDiscarded || !this.#hasEnded || this.#waiting.length > 0) return;
    this.#isWanted = false;
    this.#reader.push(null);
  }

  /** Notes that bytes were passed on, and gives credit for more. */
  #taken(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (this.#hasEnded) this.#credit.keepOnly(this.#waitingBytes);
    const more = this.#hasEnded ? 0 : this.#credit.read(bytes);
    if (more > 0) this.#grant(more);
  }
}

/** The bytes of a stream for the helper. Sends no more than it gave credit for. */
export class Outgoing {
  readonly #helper: Helper;
  readonly #id: () => number;
  #credit = MIN_CREDIT_BYTES;
  #isOpen = true;
  #wake = () => {};

  constructor(helper: Helper, id: () => number) {
    this.#helper = helper;
    this.#id = id;
  }

  /** The helper has room for more bytes. */
  add(bytes: number): void {
    this.#credit += bytes;
    this.#wake();
  }

  /** Resolves once the bytes are on their way, or are no longer wanted. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.#isOpen; ) {
      if (this.#credit === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      await this.#helper.room();
      if (!this.#isOpen) return;
      const piece = bytes.subarray(at, at + Math.min(this.#credit, MAX_PAYLOAD_BYTES));
      at += piece.length;
      this.#credit -= piece.length;
      this.#helper.send(Kind.data, this.#id(), 0, piece);
    }
  }

  /** Tells the helper that nothing follows. */
  end(): void {
    if (this.#isOpen) this.#helper.send(Kind.end, this.#id());
    this.stop();
  }

  /** Sends no more, because it is no longer wanted. */
  stop(): void {
    this.#isOpen = false;
    this.#wake();
  }
}
