/**
 * A connection from the extension host to this process. The console isn't good enough, because VS Code mixes its own log into
 * it, and truncates and wraps lines. Text that is sent through this connection arrives unchanged.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { beforeExit } from '../cleanup.ts';

/** The environment variable with the port for the extension host. */
const RELAY_PORT = 'TEST_RELAY_PORT';

type Message<Result> = { readonly output: string } | { readonly result: Result };

export interface Relay<Result> {
  /** Environment variables for VS Code. */
  readonly env: Readonly<Record<string, string>>;
  /** Returns the result that the extension host sent, or undefined if it sent none. */
  result(): Result | undefined;
  close(): Promise<void>;
}

/** Listens for an extension host. `write` receives its output. */
export async function openRelay<Result>(write: (text: string) => void): Promise<Relay<Result>> {
  let result: Result | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as Message<Result>;
      if ('output' in message) write(message.output);
      else {
        result = message.result;
        socket.end('\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.');
  const close = beforeExit(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { env: { [RELAY_PORT]: String(address.port) }, result: () => result, close };
}

export interface RelayEnd<Result> {
  write(text: string): void;
  /** Sends the result, and waits until it has arrived. Nothing can be written afterwards. */
  finish(result: Result): Promise<void>;
}

/** Connects from the extension host. */
export async function connectRelay<Result>(): Promise<RelayEnd<Result>> {
  const port = Number(process.env[RELAY_PORT]);
  if (!port) throw new Error(`${RELAY_PORT} isn't set. This file must be started by scripts/test.ts.`);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const send = (message: Message<Result>) => socket.write(`${JSON.stringify(message)}\n`);
  return {
    write: (output) => void send({ output }),
    finish: async (result) => {
      send({ result });
      socket.resume();
      await once(socket, 'end', { signal: AbortSignal.timeout(10_000) });
      socket.destroy();
    },
  };
}
