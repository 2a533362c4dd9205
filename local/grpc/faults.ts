/** Misbehaviour on demand, for tests: per RPC delays, errors, lost replies, cut streams, throttling; and call counts. */
import { setTimeout as pause } from 'node:timers/promises';
import { type CallContext, ServerError, Status } from 'nice-grpc';
import { z } from 'zod';

export const FaultSchema = z.strictObject({
  /** An RPC by its name on the wire, like `SandboxCreateV2`; `*` for all. */
  method: z.string(),
  /** How many calls it meets; for ever when left out. */
  times: z.int().positive().optional(),
  /** How many calls it lets pass first. */
  skip: z.int().nonnegative().default(0),
  delayMs: z.number().nonnegative().default(0),
  /** Up to this much more, by chance. */
  jitterMs: z.number().nonnegative().default(0),
  /** A gRPC status code to answer with. */
  code: z.int().positive().optional(),
  message: z.string().default('A fault that was asked for'),
  /** `after` lets the handler do its work and loses only the reply. */
  when: z.enum(['before', 'after']).default('before'),
  /** For streams, either way: breaks off with UNAVAILABLE after this many bytes of data. */
  cutAfterBytes: z.int().nonnegative().optional(),
  /** Answers RESOURCE_EXHAUSTED with a retry policy of so many seconds. */
  retryAfterSecs: z.number().nonnegative().optional(),
});

export type Fault = z.infer<typeof FaultSchema>;
/** A fault as it is asked for. */
export type FaultRequest = z.input<typeof FaultSchema>;

/** What came as the streams of an RPC: messages of any kind, and the bytes of their `data`. */
export interface Messages {
  readonly messages: number;
  readonly bytes: number;
}

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

  /** Calls per RPC name since the last reset. */
  get calls(): Record<string, number> {
    return Object.fromEntries(this.#calls);
  }

  /** Messages of uploads per RPC name since the last reset. */
  get messages(): Record<string, Messages> {
    return Object.fromEntries(this.#messages);
  }

  resetCalls(): void {
    this.#calls.clear();
    this.#messages.clear();
  }

  /** Counts messages as they pass. */
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

  /** Counts a call, and takes what is to go wrong in it. */
  meet(method: string): Fault[] {
    this.#calls.set(method, (this.#calls.get(method) ?? 0) + 1);
    const met: Fault[] = [];
    for (const rule of this.#rules) {
      if (rule.method !== '*' && rule.method !== method) continue;
      if (rule.skip > 0) {
        rule.skip--;
        continue;
      }
      if (rule.times === 0) continue;
      if (rule.times !== undefined) rule.times--;
      met.push(rule);
    }
    return met;
  }
}

/** Waits and fails as asked. @throws the status that was asked for */
export async function apply(faults: readonly Fault[], when: Fault['when'], context: CallContext): Promise<void> {
  for (const fault of faults) {
    const delay = fault.delayMs + Math.random() * fault.jitterMs;
    if (when === 'before' && delay > 0) await pause(delay, undefined, { signal: context.signal });
    if (fault.when !== when) continue;
    if (fault.retryAfterSecs !== undefined) {
      context.trailer.set('grpc-status-details-bin', throttleDetails(fault.message, fault.retryAfterSecs));
      throw new ServerError(Status.RESOURCE_EXHAUSTED, fault.message);
    }
    if (fault.code !== undefined) throw new ServerError(fault.code, fault.message);
  }
}

/** Passes messages on until so many bytes of their `data` have gone by, then breaks off in the middle of one. */
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
      throw new ServerError(Status.UNAVAILABLE, 'The stream was cut, as asked for');
    }
    left -= data?.length ?? 0;
    yield message;
  }
}

function dataOf(message: unknown): Uint8Array | undefined {
  if (typeof message !== 'object' || message === null || !('data' in message)) return undefined;
  return message.data instanceof Uint8Array ? message.data : undefined;
}

/** `google.rpc.Status` with one `modal.client.RPCRetryPolicy` in it, which makes the SDK sleep and try again. */
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
