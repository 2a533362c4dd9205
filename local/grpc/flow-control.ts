/**
 * Larger flow-control windows. HTTP/2 starts with 64 KiB per stream, which limits an upload to that much per round trip.
 * grpc-js lets clients change this, but not servers. So the settings are changed in the one place where it creates its
 * HTTP/2 server, for the duration of the call.
 */
import http2 from 'node:http2';

const WINDOW_BYTES = 8 * 1024 * 1024;

/** Calls `listen`, and gives large windows to the HTTP/2 server that it creates. */
export async function withLargeWindows<T>(listen: () => Promise<T>): Promise<T> {
  const original = http2.createServer;
  http2.createServer = ((options: http2.ServerOptions) => {
    const server = original({ ...options, settings: { ...options.settings, initialWindowSize: WINDOW_BYTES } });
    server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
    return server;
  }) as typeof http2.createServer;
  try {
    return await listen();
  } finally {
    http2.createServer = original;
  }
}
