import type { ModalClient } from 'modal';
import type { Client } from 'nice-grpc';
import { loadSdk } from './load-sdk.ts';
import { sandboxHeaders } from './sandbox-calls.ts';
import { clientMethod } from './wire.ts';

/**
 * The part of Modal's task command router that the SDK (0.11.1) doesn't expose: reading a command's output from a given
 * byte, writing its input, and how it ended. The SDK exports neither its client nor its definitions, so the few fields are repeated
 * here. Source: task_command_router.proto in modal-labs/modal-client.
 */
const SERVICE = '/modal.task_command_router.TaskCommandRouter';

interface ExecRequest {
  readonly taskId: string;
  readonly execId: string;
}

interface StdioRead extends ExecRequest {
  readonly offset: number;
  readonly fileDescriptor: 0 | 1;
}

interface StdinWrite extends ExecRequest {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}

/** Decodes a message whose only field is field 1, of bytes. */
function firstBytes(message: Uint8Array): Uint8Array {
  let at = 1;
  while (((message[at] ?? 0) & 128) !== 0) at += 1;
  return message.subarray(at + 1);
}

/** A signal is reported as an exit code of this plus its number. */
const SIGNAL_BASE = 128;

/** How a command ended: with a code, by a signal, or not yet. */
export type ExecEnd = 'code' | 'signal' | undefined;

/** Decodes a message with either a code in field 1 or a signal in field 2. */
function endOf([tag = 0, ...rest]: Uint8Array): { end: ExecEnd; value: number } {
  const end = tag >> 3 === 1 ? 'code' : tag >> 3 === 2 ? 'signal' : undefined;
  // Neither is longer than two bytes of a varint, but for negative ones.
  const [low = 0, high = 0] = rest;
  return { end, value: (low & 127) | (low > 127 ? (high & 127) << 7 : 0) };
}

const ROUTER = {
  poll: clientMethod<ExecRequest, { end: ExecEnd; value: number }, false>(
    `${SERVICE}/TaskExecPoll`,
    false,
    ({ taskId, execId }) => [taskId, execId],
    endOf,
  ),
  read: clientMethod<StdioRead, Uint8Array, true>(
    `${SERVICE}/TaskExecStdioRead`,
    true,
    ({ taskId, execId, offset, fileDescriptor }) => [taskId, execId, offset, fileDescriptor],
    firstBytes,
  ),
  write: clientMethod<StdinWrite, object, false>(
    `${SERVICE}/TaskExecStdinWrite`,
    false,
    ({ taskId, execId, offset, data, eof }) => [taskId, execId, offset, data, eof],
    () => ({}),
  ),
};

/** A separate connection to the machine that a command runs on. */
export class ExecRouter {
  readonly #client: Client<typeof ROUTER>;
  readonly #exec: ExecRequest;
  readonly #close: () => void;

  private constructor(client: Client<typeof ROUTER>, exec: ExecRequest, close: () => void) {
    this.#client = client;
    this.#exec = exec;
    this.#close = close;
  }

  /** Connects, and checks that the command exists. Throws gRPC errors. */
  static async open(modal: ModalClient, sandboxId: string, execId: string, timeoutMs: number): Promise<ExecRouter> {
    const { ChannelCredentials, createChannel, createClient, Metadata } = await loadSdk();
    const { taskId, url, jwt } = await accessOf(modal, sandboxId, timeoutMs);
    const { hostname, port } = new URL(url);
    const isLocal = /^(localhost|127\.0\.0\.1)$/.test(new URL(modal.profile.serverUrl).hostname);
    const credentials = isLocal ? ChannelCredentials.createInsecure() : ChannelCredentials.createSsl();
    const channel = createChannel(`${hostname}:${port || 443}`, credentials);
    const metadata = Metadata({ authorization: `Bearer ${jwt}`, ...sandboxHeaders(modal, sandboxId) });
    const client = createClient(ROUTER, channel, { '*': { metadata } });
    const router = new ExecRouter(client, { taskId, execId }, () => channel.close());
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      await client.poll({ taskId, execId }, { signal });
      return router;
    } catch (error) {
      router.close();
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** Returns how the command ended. The SDK reports the code of a signal as if it were an exit code. */
  async end(timeoutMs: number): Promise<ExecEnd> {
    return (await this.#client.poll(this.#exec, { signal: AbortSignal.timeout(timeoutMs) })).end;
  }

  /** Returns the command's exit code, as the SDK reports it; undefined while it's running. */
  async exitCode(timeoutMs: number): Promise<number | undefined> {
    const { end, value } = await this.#client.poll(this.#exec, { signal: AbortSignal.timeout(timeoutMs) });
    return end === undefined ? undefined : end === 'signal' ? SIGNAL_BASE + value : value;
  }

  /** Reads the output from a byte to its end. */
  read(stream: 'stdout' | 'stderr', offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#client.read({ ...this.#exec, offset, fileDescriptor: stream === 'stdout' ? 0 : 1 }, { signal });
  }

  /** Writes input from a byte offset. Bytes that were received before aren't used twice. */
  stdin(offset: number): WritableStream<Uint8Array> {
    let at = offset;
    const write = async (data: Uint8Array, eof: boolean) => {
      await this.#client.write({ ...this.#exec, offset: at, data, eof });
      at += data.length;
    };
    return new WritableStream({
      write: (data) => write(data, false),
      close: () => write(new Uint8Array(), true),
    });
  }

  close(): void {
    this.#close();
  }
}

/** Returns the address of the sandbox's command router, with its token. */
async function accessOf({ cpClient }: ModalClient, sandboxId: string, timeoutMs: number) {
  const options = { timeoutMs };
  const asked = { sandboxId, timeout: timeoutMs / 1000, waitUntilReady: false };
  if (isFirstVersion(sandboxId)) {
    const { taskId = '' } = await cpClient.sandboxGetTaskId(asked, options);
    return { taskId, ...(await cpClient.taskGetCommandRouterAccess({ taskId }, options)) };
  }
  const { taskId = '' } = await cpClient.sandboxGetTaskIdV2(asked, options);
  return { taskId, ...(await cpClient.sandboxGetCommandRouterAccess({ sandboxId }, options)) };
}

/** True for sandboxes of Modal's first version, still used for GPUs. Their IDs have 22 characters (the SDK's own test). */
export function isFirstVersion(sandboxId: string): boolean {
  return /^sb-[0-9A-Za-z]{22}$/.test(sandboxId);
}
