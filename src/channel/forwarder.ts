import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disposable, Emitter, type Event } from '../base/events.ts';
import type { Channel, Target } from './channels.ts';

const LOCAL_HOST = '127.0.0.1';
/** The same name of this computer leads to both addresses. */
const OTHER_LOCAL_HOST = '::1';
/**
 * A client that speaks first does so at once; its bytes then go along with the request for the connection. Others wait
 * this long for theirs.
 */
const FIRST_BYTES_MS = 10;

const MAX_TRIES = 10;

export interface ForwardOptions {
  /**
   * The local port to use if it's free. Defaults to the target's. Use 0 for a sandbox that shares this computer's network,
   * as those of Local Modal do: a port that leads to the same one there would lead to itself.
   */
  readonly preferredPort?: number;
}

/**
 * A port of this computer that leads to one in a sandbox, or to a Unix socket. Only programs on this computer can reach it.
 * Each local connection makes one in the sandbox; without any, it doesn't keep the sandbox from becoming idle.
 */
export class Forwarder {
  readonly #channel: Channel;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #didFail = new Emitter<unknown>();
  readonly #closing: Disposable;
  readonly target: Target;
  readonly port: number;
  /** Fires with the error when a connection into the sandbox can't be made or breaks. Its local one is reset. */
  readonly onDidFail: Event<unknown> = this.#didFail.event;

  /** Starts to listen. Throws if no port is free. It's closed with the channel, and closes the channel. */
  static async listen(channel: Channel, target: Target, options: ForwardOptions = {}): Promise<Forwarder> {
    const { preferredPort = 'port' in target ? target.port : 0 } = options;
    const accept = (socket: Socket) => void forwarder.#accept(socket);
    const server = (await listenOn(preferredPort, accept)) ?? (await listenOnAny(accept));
    if (!server) throw new Error('No local port is free');
    // Connections are accepted in a later turn.
    const forwarder = new Forwarder(channel, target, server);
    return forwarder;
  }

  private constructor(channel: Channel, target: Target, server: Server) {
    this.#channel = channel;
    this.target = target;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#closing = channel.onDidClose(() => this.close());
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Stops listening, and ends all connections. */
  close(): void {
    this.#closing.dispose();
    this.#server.close();
    for (const each of this.#sockets) each.destroy();
    this.#channel.close();
  }

  async #accept(local: Socket): Promise<void> {
    this.#sockets.add(local);
    local.once('close', () => this.#sockets.delete(local));
    local.on('error', () => {});
    try {
      await Promise.race([once(local, 'readable'), sleep(FIRST_BYTES_MS)]);
      if (local.destroyed) return;
      const remote = await this.#channel.connect(this.target);
      remote.once('error', (error) => {
        this.#didFail.fire(error);
        local.resetAndDestroy();
      });
      remote.once('close', () => {
        if (!remote.readableEnded || !remote.writableFinished) local.destroy();
      });
      // What a client sent before it closed its end is still delivered.
      const abandon = () => {
        if (!local.readableEnded || !local.writableFinished) remote.destroy();
      };
      local.once('close', abandon);
      if (local.destroyed) return abandon();
      local.pipe(remote);
      remote.pipe(local);
    } catch (error) {
      this.#didFail.fire(error);
      local.resetAndDestroy();
    }
  }
}

/** Listens on a local port. Returns undefined if it's taken, or can't be used. */
async function listenOn(port: number, accept: (socket: Socket) => void): Promise<Server | undefined> {
  if (port !== 0 && !(await isFree(port, OTHER_LOCAL_HOST))) return undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  return (await listening(server, port, LOCAL_HOST)) === undefined ? server : undefined;
}

/** Listens on any port that is free on both addresses: the system looks at one of them only. */
async function listenOnAny(accept: (socket: Socket) => void): Promise<Server | undefined> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const server = await listenOn(0, accept);
    if (!server || (await isFree((server.address() as AddressInfo).port, OTHER_LOCAL_HOST))) return server;
    server.close();
  }
  return undefined;
}

/** Returns false if another program listens on a port. */
async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  const code = await listening(server, port, host);
  server.close();
  return code !== 'EADDRINUSE';
}

/** Listens, and returns the error code if that fails. */
async function listening(server: Server, port: number, host: string): Promise<string | undefined> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return undefined;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
