import { UserError } from '../base/errors.ts';
import { strings } from './strings.ts';

/**
 * What a helper and its window say to each other: frames with a header of ten bytes (the stream's ID in four, the kind,
 * the part of the stream, and the payload's length in four; big-endian). Texts are fields separated by NUL. The window
 * chooses the IDs, and never uses one twice. Frames of unknown streams are ignored: the other side may just have closed it.
 *
 * Each side may send as many bytes of a stream's part as the other gave it credit for, `MIN_CREDIT` to start with. So a
 * reader that stops holds up nothing but its own stream, and neither side has to keep more than it agreed to.
 */
export const Kind = {
  /** Window: opens a stream. Fields: what, the credit of part 1, that of part 2, and what it needs. */
  open: 1,
  data: 2,
  /** No more bytes of a part follow. Helper, part 0: the window's bytes are no longer read. */
  end: 3,
  /** Ends a stream at once, and it's forgotten. Helper: the fields are a code and a message if it failed. */
  close: 4,
  /** A number in four bytes. */
  credit: 5,
  /** Window: sends the signal of this name to a command and what it started. */
  signal: 6,
  /** Window: it's still there. */
  ping: 7,
  /** Helper: it's ready. Fields: the protocol's version, the language, and its process ID. */
  hello: 8,
  /** Helper: the connection is made, or the command started. The field is its process ID. */
  opened: 9,
  /** Helper: the command exited. Fields: `code` or `signal`, and which. */
  exit: 10,
  /** Helper: the ports that programs listen on. Four fields for each. */
  ports: 11,
  /** Loader: the helper's file is missing. The field is its language. */
  need: 12,
  /** Window: the helper's program. */
  source: 13,
} as const;

/** The parts of a stream: bytes from the window, to the window, and the second ones to the window (stderr). */
export type Part = 0 | 1 | 2;

const HEADER_BYTES = 10;
/** The longest payload that either side sends. */
export const MAX_PAYLOAD_BYTES = 128 * 1024;

/** Returns a frame's bytes. */
export function frame(kind: number, id: number, part: number, payload: Uint8Array): Uint8Array[] {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(id, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt8(part, 5);
  header.writeUInt32BE(payload.length, 6);
  return payload.length === 0 ? [header] : [header, payload];
}

/** Returns a text's bytes. Throws `UserError` if a field can't be sent. */
export function fields(...texts: readonly (string | number)[]): Buffer {
  if (texts.some((text) => String(text).includes('\0'))) throw new UserError(strings.nulInText());
  const bytes = Buffer.from(texts.join('\0'));
  if (bytes.length > MAX_PAYLOAD_BYTES) throw new UserError(strings.requestTooLong());
  return bytes;
}

/** Returns a text's fields. */
export function fieldsOf(payload: Uint8Array): string[] {
  return payload.length === 0 ? [] : Buffer.from(payload).toString().split('\0');
}

/** Returns a number's bytes. */
export function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Returns a number from its bytes. Throws `ProtocolError`. */
export function numberIn(payload: Uint8Array): number {
  if (payload.length !== 4) throw new ProtocolError('A number that is none');
  return Buffer.from(payload).readUInt32BE();
}

/** What comes from a helper breaks the rules above. Nothing more that it says is read. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

export interface FrameHandler {
  /** Bytes of a stream, in pieces as they arrive. */
  data(id: number, part: number, bytes: Uint8Array): void;
  /** Any other frame, complete. */
  frame(kind: number, id: number, part: number, payload: Uint8Array): void;
}

/** Splits a helper's output into frames. */
export class FrameReader {
  readonly #handler: FrameHandler;
  #header = Buffer.alloc(0);
  #current: { kind: number; id: number; part: number } | undefined;
  #left = 0;
  #payload: Uint8Array[] = [];
  /** Bytes of one part in the present chunk. */
  #run = { id: 0, part: 0, pieces: [] as Uint8Array[], bytes: 0 };

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Takes the next bytes. Throws `ProtocolError`. */
  feed(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (!this.#current) rest = this.#readHeader(rest);
      if (!this.#current) break;
      const piece = rest.subarray(0, this.#left);
      rest = rest.subarray(piece.length);
      this.#left -= piece.length;
      const { kind, id, part } = this.#current;
      if (kind !== Kind.data) this.#payload.push(piece);
      else if (piece.length > 0) this.#gather(id, part, piece, chunk.length);
      if (this.#left > 0) break;
      this.#current = undefined;
      if (kind === Kind.data) continue;
      this.#deliver(chunk.length);
      const payload = Buffer.concat(this.#payload);
      this.#payload = [];
      this.#handler.frame(kind, id, part, payload);
    }
    this.#deliver(chunk.length);
  }

  #gather(id: number, part: number, piece: Uint8Array, chunkBytes: number): void {
    if (this.#run.id !== id || this.#run.part !== part) this.#deliver(chunkBytes);
    const { pieces, bytes } = this.#run;
    pieces.push(piece);
    this.#run = { id, part, pieces, bytes: bytes + piece.length };
  }

  #deliver(chunkBytes: number): void {
    const { id, part, pieces, bytes } = this.#run;
    if (bytes === 0) return;
    this.#run = { id: 0, part: 0, pieces: [], bytes: 0 };
    // A small part of a chunk would keep all of it in memory until it's read.
    const kept = bytes * 2 < chunkBytes ? [Buffer.concat(pieces)] : pieces;
    for (const each of kept) this.#handler.data(id, part, each);
  }

  #readHeader(bytes: Uint8Array): Uint8Array {
    const taken = HEADER_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, taken)]);
    if (this.#header.length < HEADER_BYTES) return bytes.subarray(taken);
    const header = this.#header;
    this.#header = Buffer.alloc(0);
    this.#left = header.readUInt32BE(6);
    if (this.#left > MAX_PAYLOAD_BYTES) throw new ProtocolError(`A frame of ${this.#left} bytes`);
    this.#current = { id: header.readUInt32BE(0), kind: header.readUInt8(4), part: header.readUInt8(5) };
    return bytes.subarray(taken);
  }
}
