import { once } from 'node:events';
import type { Server } from 'node:net';

/**
 * Makes a server listen on loopback.
 * @param port 0 for any that is free
 * @returns the port
 * @throws when the port is taken
 */
export async function portOf(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('The server listens on no port');
  return address.port;
}
