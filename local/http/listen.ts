import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { StartError } from './start-error.ts';

/** Throws `StartError` if a port can't be used. gRPC's own error contains its inner workings, and it prints it as well. */
export async function requireFreePort(port: number): Promise<void> {
  const server = createServer();
  try {
    await listenOnLoopback(server, port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(
      code === 'EADDRINUSE'
        ? `Port ${port} is in use. Stop the program that uses it, or use another port with --port.`
        : `Couldn't use port ${port} (${message}). Use another port with --port.`,
    );
  }
  server.close();
  await once(server, 'close');
}

/** Makes a server listen on a loopback port, 0 for any free one. Returns the port. Throws if the port is in use. */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('The server has no port');
  return address.port;
}
