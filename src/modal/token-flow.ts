/**
 * Signing in with the browser, as `modal token new` does: Modal gives the address of a page and a code, and a token once the
 * user has agreed on that page. The calls need no token, so they can't go through the SDK's client.
 * Source: modal/token_flow.py and modal_proto/api.proto in modal-labs/modal-client.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { serverUrlOf } from './accounts.ts';
import { tellReason } from './connection-reason.ts';
import { isConnectionLost } from './errors.ts';
import { loadSdk } from './load-sdk.ts';
import { strings } from './strings.ts';
import { clientMethod, decode, Float, textOf } from './wire.ts';

const SERVICE = '/modal.client.ModalClient';
/** Tells Modal which program asks. */
const SOURCE = 'vscode';

/** The time for each call that doesn't wait for the user. */
const CALL_TIMEOUT_MS = 30_000;
/** The time that the server waits for the user in one call, as in Modal's own tools. */
const WAIT_SECS = 40;
const WAIT_MARGIN_MS = 5_000;
const RETRY_INTERVAL_MS = 1_000;

/** The page on which the user agrees. */
export interface SignInPage {
  readonly url: string;
  /** The page shows the same one, so that the user can tell that it belongs to this sign-in. */
  readonly code: string;
}

/** A token that the user has agreed to. */
export interface NewToken {
  readonly tokenId: string;
  readonly tokenSecret: string;
  readonly workspace: string;
}

export interface TokenFlowOptions {
  /** Defaults to Modal's own server. */
  readonly serverUrl: string | undefined;
  /** Opens the page in a browser. The sign-in waits for Modal at the same time. */
  readonly open: (page: SignInPage) => unknown;
  /** The time for the user to agree. */
  readonly timeoutMs: number;
  /** Ends the sign-in, which then rejects with its reason. */
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly tokenFlowId: string;
  readonly waitSecret: string;
}

const FLOW = {
  create: clientMethod<{ localhostPort: number }, Waiting & { webUrl: string; code: string }, false>(
    `${SERVICE}/TokenFlowCreate`,
    false,
    ({ localhostPort }) => [undefined, undefined, SOURCE, localhostPort],
    (message) => {
      const fields = decode(message);
      return {
        tokenFlowId: textOf(fields, 1),
        webUrl: textOf(fields, 2),
        code: textOf(fields, 3),
        waitSecret: textOf(fields, 4),
      };
    },
  ),
  wait: clientMethod<Waiting, NewToken & { isTimeout: boolean }, false>(
    `${SERVICE}/TokenFlowWait`,
    false,
    ({ tokenFlowId, waitSecret }) => [new Float(WAIT_SECS), tokenFlowId, waitSecret],
    (message) => {
      const fields = decode(message);
      const [tokenId, tokenSecret, workspace] = [textOf(fields, 1), textOf(fields, 2), textOf(fields, 4)];
      return { tokenId, tokenSecret, workspace, isTimeout: fields.get(3) === 1 };
    },
  ),
};

/** Signs in with the browser. Throws `UserError` if the user doesn't agree in time, and gRPC errors. */
export async function signInWithBrowser({ serverUrl, open, timeoutMs, signal }: TokenFlowOptions): Promise<NewToken> {
  const { createChannel, createClientFactory, Metadata } = await loadSdk();
  const deadline = performance.now() + timeoutMs;
  const address = serverUrlOf({ ...(serverUrl && { serverUrl }) });
  const channel = createChannel(address);
  // The SDK's own headers, without a token.
  const metadata = Metadata({ 'x-modal-client-type': '8', 'x-modal-client-version': '1.0.0' });
  const client = createClientFactory().use(tellReason(address)).create(FLOW, channel, { '*': { metadata } });
  const correlation = new Correlation();
  const call = <T>(limitMs: number, make: (options: { signal: AbortSignal }) => Promise<T>): Promise<T> =>
    untilAborted(make({ signal: AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]) }), signal);
  try {
    const localhostPort = await correlation.listen();
    const { webUrl, code, ...waiting } = await call(CALL_TIMEOUT_MS, (options) =>
      client.create({ localhostPort }, options),
    );
    if (!isWebPage(webUrl)) throw new UserError(strings.signInPageUnsafe());
    correlation.flowId = waiting.tokenFlowId;
    open({ url: webUrl, code });
    for (;;) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new UserError(strings.signInTimedOut());
      try {
        const limitMs = Math.min(leftMs, WAIT_SECS * 1000 + WAIT_MARGIN_MS);
        const { isTimeout, ...token } = await call(limitMs, (options) => client.wait(waiting, options));
        if (!isTimeout) return token;
      } catch (error) {
        if (signal.aborted || !(isConnectionLost(error) || isAbort(error))) throw error;
        await sleep(RETRY_INTERVAL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  } finally {
    correlation.close();
    channel.close();
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Returns whether a browser may be sent to an address: not over the network without encryption. */
function isWebPage(text: string): boolean {
  const url = URL.parse(text);
  const isLoopback = url !== null && /^(localhost|127\.0\.0\.1)$/.test(url.hostname);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback);
}

/**
 * Answers on this computer with the sign-in's ID, so that a page in a browser on this computer can tell that it belongs to the
 * program that asks. The sign-in works without it, as it must if the editor is remote.
 */
class Correlation {
  flowId = '';
  readonly #server: Server = createServer((_request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'text/plain' });
    response.end(this.flowId);
  });

  /** Returns the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
