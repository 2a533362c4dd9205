/** Misbehavior on demand, for tests: delays, errors, lost replies, cut streams, and throttling by RPC. Also counts calls. */
import { setTimeout as pause } from 'node:timers/promises';
import { type CallContext, ServerError, Status } from 'nice-grpc';
import { z } from 'zod';

export const FaultSchema = z.strictObject({
  /** The name of an RPC on the wire, such as `SandboxCreateV2`, or `*` for all RPCs. */
  method: z.string(),
  /** The number of calls to affect. Defaults to all. */
  times: z.int().positive().optional(),
  /** The number of calls to let through first. */
  skip: z.int().nonnegative().default(0),
  delayMs: z.number().nonnegative().default(0),
  /** A random delay of up to this much, in addition to `delayMs`. */
  jitterMs: z.number().nonnegative().default(0),
  /** The gRPC status code to fail with. */
  code: z.int().positive().optional(),
  message: z.string().default('Injected fault'),
  /** `after` lets the handler do its work, and loses only the reply. */
  when: z.enum(['before', 'after']).default('before'),
  /** For streams in either direction: fails with UNAVAILABLE after this many bytes of data. */
  cutAfterBytes: z.int().nonnegative().optional(),
  /** Attaches a non-fatal warning to the reply, as Modal's servers do. */
  warning: z.string().optional(),
  /** Fails with RESOURCE_EXHAUSTED and a retry policy of this many seconds. */
  retryAfterSecs: z.number().nonnegative().optional(),
});

export type Fault = z.infer<typeof FaultSchema>;
/** A fault as a test requests it, with optional parts. */
export type FaultRequest = z.input<typeof FaultSchema>;

/** The messages in the request streams of an RPC, and the total size of their `data`. */
export interface Messages {
  readonly messages: number;
  readonly bytes: number;
}

/** The faults to inject, and the counts of calls and messages. */
export class Faults {
  #rules: Fault[] = [];
  readonly #calls = new Map<string, number>();
  readonly #messages = new Map<string, Messages>();

  add(fault: Fault): void {
    this.#rules.push({ ...fault });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The number of calls by RPC name since the last reset. */
  get calls(): Record<string, number> {
    return Object.fromEntries(this.#calls);
  }

  /** The messages of request streams by RPC name since the last reset. */
  get messages(): Record<string, Messages> {
    return Object.fromEntries(this.#messages);
  }

  resetCalls(): void {
    this.#calls.clear();
    this.#messages.clear();
  }

  /** Passes messages through, and counts them. */
  async *counted<Message>(method: string, messages: AsyncIterable<Message>): AsyncIterable<Message> {
    for await (const message of messages) {
      const sum = this.#messages.get(method) ?? { messages: 0, bytes: 0 };
      this.#messages.set(method, {
        messages: sum.messages + 1,
        bytes: sum.bytes + (dataOf(message)?.length ?? 0),
      });
      yield message;
    }
  }

  /** Counts a call. Returns the faults to inject into it. */
  takeFor(method: string): Fault[] {
    this.#calls.set(method, (this.#calls.get(method) ?? 0) + 1);
    const taken: Fault[] = [];
    for (const rule of this.#rules) {
      if (rule.method !== '*' && rule.method !== method) continue;
      if (rule.skip > 0) {
        rule.skip--;
        continue;
      }
      if (rule.times === 0) continue;
      if (rule.times !== undefined) rule.times--;
      taken.push(rule);
    }
    return taken;
  }
}

/** Waits and fails as the faults say. Throws the status that was requested. */
export async function apply(faults: readonly Fault[], when: Fault['when'], context: CallContext): Promise<void> {
  for (const fault of faults) {
    const delay = fault.delayMs + Math.random() * fault.jitterMs;
    if (when === 'before' && fault.warning !== undefined)
      context.trailer.append('x-modal-warning', encodeURIComponent(fault.warning));
    if (when === 'before' && delay > 0) await pause(delay, undefined, { signal: context.signal });
    if (fault.when !== when) continue;
    if (fault.retryAfterSecs !== undefined) {
      context.trailer.set('grpc-status-details-bin', throttleDetails(fault.message, fault.retryAfterSecs));
      throw new ServerError(Status.RESOURCE_EXHAUSTED, fault.message);
    }
    if (fault.code !== undefined) throw new ServerError(fault.code, fault.message);
  }
}

/** Passes messages through until the limit of `data` bytes is reached, and then fails in the middle of a message. */
export async function* cut<Message>(
  faults: readonly Fault[],
  messages: AsyncIterable<Message>,
): AsyncIterable<Message> {
  const limits = faults.map(({ cutAfterBytes }) => cutAfterBytes).filter((bytes) => bytes !== undefined);
  if (limits.length === 0) return yield* messages;
  let left = Math.min(...limits);
  for await (const message of messages) {
    const data = dataOf(message);
    if (data && data.length >= left) {
      if (left > 0) yield { ...message, data: data.subarray(0, left) };
      throw new ServerError(Status.UNAVAILABLE, 'Injected fault: the stream was cut');
    }
    left -= data?.length ?? 0;
    yield message;
  }
}

function dataOf(message: unknown): Uint8Array | undefined {
  if (typeof message !== 'object' || message === null || !('data' in message)) return undefined;
  return message.data instanceof Uint8Array ? message.data : undefined;
}

/** Encodes a `google.rpc.Status` with a `modal.client.RPCRetryPolicy`, which makes the SDK wait and retry. */
function throttleDetails(message: string, retryAfterSecs: number): Uint8Array {
  const field = (number: number, content: Buffer) =>
    Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
  const policy = Buffer.alloc(5);
  policy[0] = (1 << 3) | 5;
  policy.writeFloatLE(retryAfterSecs, 1);
  const any = Buffer.concat([
    field(1, Buffer.from('type.googleapis.com/modal.client.RPCRetryPolicy')),
    field(2, policy),
  ]);
  const code = Buffer.from([1 << 3, Status.RESOURCE_EXHAUSTED]);
  return Buffer.concat([code, field(2, Buffer.from(message.slice(0, 100))), field(3, any)]);
}
