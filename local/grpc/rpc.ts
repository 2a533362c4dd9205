/**
 * Turns handlers into complete gRPC services. RPCs without a handler fail with UNIMPLEMENTED. Each call is counted, checked,
 * and made to fail if a test requested that. A repeated create call gets the first call's reply.
 */
import { type CallContext, ServerError, type ServiceImplementation } from 'nice-grpc';
import { apply, cut, type Fault, type Faults } from './faults.ts';
import { internal, unimplemented } from './status.ts';
import type { WireDefinition } from './wire.ts';

type UnaryHandler = (request: unknown, context: CallContext) => Promise<unknown>;
type StreamHandler = (request: unknown, context: CallContext) => AsyncIterable<unknown>;
type UploadHandler = (messages: AsyncIterable<unknown>, context: CallContext) => Promise<unknown>;

export interface ServiceGuard {
  readonly faults: Faults;
  /** Rejects a call by throwing. `request` is undefined for a stream of requests. */
  check(method: string, context: CallContext, request: unknown): void;
  /** Rejects a message in a stream of requests by throwing. */
  checkMessage(context: CallContext, message: unknown): void;
}

/** The time for which a reply is kept for a repeated call. */
const REPLY_RETENTION_MS = 5 * 60_000;

/**
 * Remembers replies by the client's idempotency key. The SDK sends the same key with every attempt of a call, so a create
 * call whose reply was lost isn't executed again.
 */
class ReplyCache {
  readonly #replies = new Map<string, Promise<unknown>>();

  once(key: string | undefined, method: string, handle: () => Promise<unknown>): Promise<unknown> {
    if (!key) return handle();
    const name = `${method} ${key}`;
    const known = this.#replies.get(name);
    if (known) return known;
    const reply = handle();
    this.#replies.set(name, reply);
    const forget = () => this.#replies.delete(name);
    // Failures are not remembered, because the next attempt may succeed.
    reply.then(() => setTimeout(forget, REPLY_RETENTION_MS).unref(), forget);
    return reply;
  }
}

/** Long polls and lookups, which must be executed again when they are repeated. */
const READ_ONLY_METHODS =
  /(Get|GetV2|GetTaskId|GetTaskIdV2|Wait|WaitV2|List|ListV2|Poll|Lookup|FromId|ByTag|Read|Status)$/;

/** Returns a complete service made of `handlers`. Throws if a handler is not an RPC of the service. */
export function implement(
  definition: WireDefinition,
  handlers: Readonly<Record<string, unknown>>,
  guard: ServiceGuard,
): ServiceImplementation<never> {
  const replies = new ReplyCache();
  const service: Record<string, unknown> = {};
  const unknown = Object.keys(handlers).filter((name) => !(name in definition.methods));
  if (unknown.length > 0) throw new Error(`${definition.name} has no RPC named ${unknown.join(', ')}`);
  for (const [key, { name, requestStream, responseStream }] of Object.entries(definition.methods)) {
    const begin = async (context: CallContext, request: unknown): Promise<Fault[]> => {
      const faults = guard.faults.takeFor(name);
      await apply(faults, 'before', context);
      guard.check(key, context, request);
      if (!handlers[key]) throw unimplemented(`${name} is not supported by Local Modal`);
      return faults;
    };
    if (responseStream) service[key] = streaming(handlers[key] as StreamHandler, begin, name);
    else if (requestStream) service[key] = uploading(handlers[key] as UploadHandler, begin, guard, name);
    else
      service[key] = unary(
        handlers[key] as UnaryHandler,
        begin,
        READ_ONLY_METHODS.test(name) ? undefined : replies,
        name,
      );
  }
  return service as ServiceImplementation<never>;
}

/**
 * Converts an error to the status for the client. Errors that aren't a status become INTERNAL, and are logged to
 * stderr.
 */
function statusOf(error: unknown, name: string): unknown {
  if (error instanceof ServerError || (error instanceof Error && error.name === 'AbortError')) return error;
  process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  return internal(error instanceof Error ? error.message : String(error));
}

type Begin = (context: CallContext, request: unknown) => Promise<Fault[]>;

function unary(handler: UnaryHandler, begin: Begin, replies: ReplyCache | undefined, name: string): UnaryHandler {
  return async (request, context) => {
    try {
      const faults = await begin(context, request);
      const key = context.metadata.get('x-idempotency-key');
      const handle = () => handler(request, context);
      const reply = await (replies ? replies.once(key, name, handle) : handle());
      await apply(faults, 'after', context);
      return reply;
    } catch (error) {
      throw statusOf(error, name);
    }
  };
}

function streaming(handler: StreamHandler, begin: Begin, name: string): StreamHandler {
  return async function* (request, context) {
    try {
      const faults = await begin(context, request);
      yield* cut(faults, handler(request, context));
      await apply(faults, 'after', context);
    } catch (error) {
      throw statusOf(error, name);
    }
  };
}

async function* checked(messages: AsyncIterable<unknown>, guard: ServiceGuard, context: CallContext) {
  for await (const message of messages) {
    guard.checkMessage(context, message);
    yield message;
  }
}

function uploading(handler: UploadHandler, begin: Begin, guard: ServiceGuard, name: string): UploadHandler {
  return async (messages, context) => {
    try {
      const faults = await begin(context, undefined);
      const counted = guard.faults.counted(name, messages);
      const reply = await handler(cut(faults, checked(counted, guard, context)), context);
      await apply(faults, 'after', context);
      return reply;
    } catch (error) {
      throw statusOf(error, name);
    }
  };
}
