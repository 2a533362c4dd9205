import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { strings } from './strings.ts';

/**
 * Messages of the Debug Adapter Protocol: https://microsoft.github.io/debug-adapter-protocol/specification. Only their
 * envelopes are checked; bodies pass through between VS Code and the adapter.
 */
const RequestSchema = z.object({
  type: z.literal('request'),
  seq: z.number(),
  command: z.string(),
  arguments: z.unknown().optional(),
});
const ResponseSchema = z.object({
  type: z.literal('response'),
  seq: z.number(),
  request_seq: z.number(),
  success: z.boolean(),
  command: z.string(),
  message: z.string().optional(),
  body: z.unknown().optional(),
});
const EventSchema = z.object({
  type: z.literal('event'),
  seq: z.number(),
  event: z.string(),
  body: z.unknown().optional(),
});
const MessageSchema = z.discriminatedUnion('type', [RequestSchema, ResponseSchema, EventSchema]);

export type Request = z.infer<typeof RequestSchema>;
export type Response = z.infer<typeof ResponseSchema>;
export type DebugEvent = z.infer<typeof EventSchema>;
export type Message = z.infer<typeof MessageSchema>;

/** An event of ours, by which an adapter's program says that it takes messages now. */
export const READY_EVENT = 'modalReady';

const SEPARATOR = '\r\n\r\n';
/** More than any header, so that an adapter which prints something else is noticed at once. */
const MAX_HEADER_BYTES = 1_000;
/** Larger than any message of a debugger that works. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Returns the bytes of a message. */
export function encodeMessage(message: Message): Buffer {
  const content = JSON.stringify(message);
  return Buffer.from(`Content-Length: ${Buffer.byteLength(content)}${SEPARATOR}${content}`);
}

/** Passes on messages to an adapter, all of one moment together: the editor's requests come one by one. */
export class MessageBatch {
  #waiting: Message[] = [];
  #write: ((bytes: Buffer) => void) | undefined;

  /** Sends a message, at the latest once the adapter can be written to. */
  send(message: Message): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  /** Sends what has waited, and from now on writes with this function. */
  open(write: (bytes: Buffer) => void): void {
    this.#write = write;
    this.flush();
  }

  /** Sends at once what waits for the end of this moment. */
  flush(): void {
    if (this.#write && this.#waiting.length > 0) this.#write(Buffer.concat(this.#waiting.splice(0).map(encodeMessage)));
  }
}

/** Splits an adapter's output into messages. */
export class MessageReader {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** The number of bytes that the next message needs; undefined until its header is complete. */
  #needed: number | undefined;

  /** Returns the messages that are complete now. Throws `UserError` if the output isn't of this protocol. */
  feed(chunk: Uint8Array): Message[] {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    const messages: Message[] = [];
    for (;;) {
      if (this.#needed === undefined && !this.#readHeader()) return messages;
      const needed = this.#needed as number;
      if (this.#bytes < needed) return messages;
      messages.push(parseMessage(this.#take(needed)));
      this.#needed = undefined;
    }
  }

  #readHeader(): boolean {
    const start = this.#joined().subarray(0, MAX_HEADER_BYTES);
    const end = start.indexOf(SEPARATOR);
    if (end < 0 && start.length < MAX_HEADER_BYTES) return false;
    const length = Number(/^Content-Length: *(\d{1,9})\s*$/im.exec(start.toString('latin1', 0, end))?.[1]);
    if (end < 0 || !(length <= MAX_MESSAGE_BYTES)) throw new UserError(strings.notAnAdapter());
    this.#take(end + SEPARATOR.length);
    this.#needed = length;
    return true;
  }

  #take(bytes: number): Buffer {
    const all = this.#joined();
    this.#parts = [all.subarray(bytes)];
    this.#bytes -= bytes;
    return all.subarray(0, bytes);
  }

  #joined(): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : Buffer.concat(this.#parts);
    this.#parts = [all];
    return Buffer.from(all.buffer, all.byteOffset, all.byteLength);
  }
}

function parseMessage(content: Buffer): Message {
  try {
    return MessageSchema.parse(JSON.parse(content.toString()));
  } catch {
    throw new UserError(strings.notAnAdapter());
  }
}
