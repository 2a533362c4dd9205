import { AsyncLocalStorage } from 'node:async_hooks';
import type { ModalClient } from 'modal';
import type { CallOptions, ClientMiddleware, Metadata } from 'nice-grpc';

/**
 * Servers newer than SDK 0.11.1 return a token from SandboxCreateV2. All that is published about it is the comment on
 * `SandboxCreateV2Response.sandboxToken` in the SDK's declarations: "Signed app and workspace id of the sandbox. Sent as the
 * x-modal-sandbox-token metadata header." The SDK itself doesn't send it. Since the comment doesn't say with which calls, we
 * send it with each one that names the sandbox. No other call returns it, so a sandbox that is found by its ID has none.
 */
const TOKEN_HEADER = 'x-modal-sandbox-token';

const CREATE_METHODS: readonly string[] = ['SandboxCreate', 'SandboxCreateV2'];
const TERMINATE_METHODS: readonly string[] = ['SandboxTerminate', 'SandboxTerminateV2'];

/** The tokens of the sandboxes that each client has created, by sandbox ID. */
const tokensByClient = new WeakMap<ModalClient, ReadonlyMap<string, string>>();
const creation = new AsyncLocalStorage<(sandboxId: string) => void>();

/** The fields of requests and replies that are followed. */
interface SandboxMessage {
  readonly sandboxId?: string;
  readonly sandboxToken?: string;
}

/** The gRPC library's function that creates metadata. A parameter, because the library is loaded at first use. */
type NewMetadata = (init?: CallOptions['metadata']) => Metadata;

/** Follows the control-plane calls of a client about its sandboxes. */
export class SandboxCalls {
  readonly #tokens = new Map<string, string>();
  readonly #newMetadata: NewMetadata;

  constructor(newMetadata: NewMetadata) {
    this.#newMetadata = newMetadata;
  }

  /** Lets `sandboxHeaders` find the tokens of a client that has this middleware. */
  follow(client: ModalClient): void {
    tokensByClient.set(client, this.#tokens);
  }

  /** Reports created sandboxes to `onSandboxCreated`, and sends their tokens. */
  middleware(): ClientMiddleware {
    const withToken = this.#withToken.bind(this);
    const note = this.#note.bind(this);
    return async function* sandboxCalls(call, options) {
      const { sandboxId } = Object(call.request) as SandboxMessage;
      const response = yield* call.next(call.request, withToken(options, sandboxId));
      note(call.method.path.split('/').at(-1) ?? '', sandboxId, Object(response));
      return response;
    };
  }

  #withToken(options: CallOptions, sandboxId: string | undefined): CallOptions {
    const token = sandboxId === undefined ? undefined : this.#tokens.get(sandboxId);
    if (token === undefined) return options;
    return { ...options, metadata: this.#newMetadata(options.metadata).set(TOKEN_HEADER, token) };
  }

  #note(method: string, sandboxId: string | undefined, created: SandboxMessage): void {
    if (TERMINATE_METHODS.includes(method) && sandboxId !== undefined) this.#tokens.delete(sandboxId);
    if (!CREATE_METHODS.includes(method) || !created.sandboxId) return;
    if (created.sandboxToken) this.#tokens.set(created.sandboxId, created.sandboxToken);
    creation.getStore()?.(created.sandboxId);
  }
}

/** Returns the headers for calls to a sandbox that don't go through the client. */
export function sandboxHeaders(client: ModalClient, sandboxId: string): Record<string, string> {
  const token = tokensByClient.get(client)?.get(sandboxId);
  return token === undefined ? {} : { [TOKEN_HEADER]: token };
}

/**
 * Runs an action that creates a sandbox. Calls the listener with its ID as soon as Modal has created it: with a GPU, the SDK's call
 * returns only once the sandbox is scheduled, up to 21 minutes later.
 */
export function onSandboxCreated<T>(listener: (sandboxId: string) => void, action: () => T): T {
  const outer = creation.getStore();
  const all = (sandboxId: string) => {
    outer?.(sandboxId);
    listener(sandboxId);
  };
  return creation.run(all, action);
}
