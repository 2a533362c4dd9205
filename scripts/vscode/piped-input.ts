/** The input that is piped to `npm start -- --run`, on its way to the extension host: byte for byte, as fast as it's read. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeExit } from '../cleanup.ts';

/** The environment variable with the port, and with what the extension host has to say to get the input. */
const PIPED_INPUT = 'RUN_PIPED_INPUT';

/** Returns true if this process reads a pipe or a file, not a terminal or /dev/null. */
export function isInputPiped(): boolean {
  const input = fstatSync(0);
  return input.isFIFO() || input.isFile() || input.isSocket();
}

/** Offers a stream to the extension host. Returns environment variables for VS Code. */
export async function offerInput(input: Readable): Promise<Readonly<Record<string, string>>> {
  const password = randomUUID();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (said) => {
      // A program may end without having read everything.
      if (said.toString() === password) pipeline(input, socket).catch(() => {});
      else socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The input has no port.');
  beforeExit(() => void server.close());
  return { [PIPED_INPUT]: `${address.port} ${password}` };
}

/** Connects from the extension host. Returns undefined if nothing is piped. */
export async function connectInput(): Promise<Readable | undefined> {
  const [port, password] = process.env[PIPED_INPUT]?.split(' ') ?? [];
  if (!port || !password) return undefined;
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  // Its reader gets the error, too.
  socket.on('error', () => {});
  socket.write(password);
  return socket;
}
