/**
 * Why a connection couldn't be made. gRPC (grpc-js 1.14) tells only the first time: all clients of a process share its
 * connections to an address, and one that has failed before fails without a reason.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { ClientMiddleware } from 'nice-grpc';
import { Code, shapeOf } from './error-shape.ts';
import { proxyFor } from './proxy.ts';
import { tlsOptions } from './trust.ts';

/** What grpc-js says if it has no reason. */
export const NO_REASON = /No connection established\. Last error: (?:undefined|null)/;
/** The time for a connection whose failure has no reason. */
const TIMEOUT_MS = 5_000;

/** Gives the errors of a client, whose server has this URL, the reason that gRPC doesn't tell. */
export function tellReason(serverUrl: string): ClientMiddleware {
  return async function* told(call, options) {
    try {
      return yield* call.next(call.request, options);
    } catch (error) {
      const { code, details, message } = shapeOf(error);
      if (code === Code.unavailable && details !== undefined && NO_REASON.test(details)) {
        const url = URL.parse(serverUrl);
        const reason = url && (await reasonOf(url, options.signal));
        const tell = (text: string) => (reason ? text.replace(details, reason) : text);
        Object.assign(error as Error, { details: tell(details), message: tell(message) });
      }
      throw error;
    }
  };
}

/** Makes the connection that gRPC would make, and returns why it failed; undefined if it didn't, or not in time. */
async function reasonOf(url: URL, signal: AbortSignal | undefined): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const limit = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const proxy = proxyFor(url);
  const reason = await whyNotConnected(proxy ?? url, limit);
  if (reason === undefined || limit.aborted) return undefined;
  return proxy ? `proxy: ${reason}` : reason;
}

/** Connects to the host and port of a URL, with its certificate if it's an https URL. Resolves with why that failed. */
export function whyNotConnected({ protocol, hostname, port }: URL, signal: AbortSignal): Promise<string | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'https:';
  const target = { host, port: Number(port || (isSecure ? 443 : 80)) };
  return new Promise((resolve) => {
    const socket: Socket = isSecure
      ? connectSecurely({ ...target, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions() })
      : connect(target);
    const end = (reason?: string) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(reason);
    };
    const abort = () => end(String(signal.reason));
    socket.once('error', ({ message }) => end(message));
    socket.once(isSecure ? 'secureConnect' : 'connect', () => end());
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
