/**
 * How much a client may have under way. HTTP/2 begins with 64 KiB per stream, which on a link with any latency limits an
 * upload to that much per round trip; grpc-js lets a client ask for more, but not a server. So the one place where it
 * makes its HTTP/2 server is given other settings, for the time of the call.
 */
import http2 from 'node:http2';

const WINDOW_BYTES = 8 * 1024 * 1024;

/** Calls `listen`, in which an HTTP/2 server is made, and gives that one large windows. */
export async function withLargeWindows<T>(listen: () => Promise<T>): Promise<T> {
  const plain = http2.createServer;
  http2.createServer = ((options: http2.ServerOptions) => {
    const server = plain({ ...options, settings: { ...options.settings, initialWindowSize: WINDOW_BYTES } });
    server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
    return server;
  }) as typeof http2.createServer;
  try {
    return await listen();
  } finally {
    http2.createServer = plain;
  }
}
