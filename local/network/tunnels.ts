/**
 * Tunnels: each open port of a sandbox gets a listener on the host's loopback. That of an encrypted port, which anyone on the
 * internet can reach on Modal, is for HTTP here, and needs a connect token. The others are plain TCP.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ControlPlane, EndStatus, type Request, type Tunnel } from '../grpc/wire.ts';
import { listenOnLoopback } from '../http/listen.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { admitsClients, LOOPBACK, mayPass } from './admission.ts';
import type { Grants } from './grants.ts';
import { SandboxProxy } from './sandbox-proxy.ts';

/** `TunnelType` of ports for HTTP/2. */
const HTTP2 = 1;

export class Tunnels {
  readonly #open = new Map<Sandbox, { servers: Server[]; tunnels: Tunnel[] }>();
  readonly #grants: Grants;
  readonly #isOpenToAll: boolean;

  /** `isOpenToAll` lets clients into encrypted ports without a token. */
  constructor(grants: Grants, isOpenToAll: boolean) {
    this.#grants = grants;
    this.#isOpenToAll = isOpenToAll;
  }

  /** Opens a tunnel for each port in the sandbox's definition. They close when the sandbox stops. */
  async open(sandbox: Sandbox): Promise<void> {
    const ports = sandbox.definition.openPorts?.ports ?? [];
    if (ports.length === 0) return;
    const entry = { servers: [] as Server[], tunnels: [] as Tunnel[] };
    this.#open.set(sandbox, entry);
    for (const { port: containerPort, unencrypted, tunnelType } of ports) {
      let port: number;
      if (unencrypted || tunnelType === HTTP2) {
        const server = createServer((socket) => void forward(sandbox, containerPort, socket));
        port = await listenOnLoopback(server, 0);
        entry.servers.push(server);
      } else {
        const options = { port: containerPort, isOpen: this.#isOpenToAll };
        port = await new SandboxProxy(sandbox, this.#grants, options).listen();
      }
      // Connections on loopback aren't encrypted.
      const plain = unencrypted ? { unencryptedHost: LOOPBACK, unencryptedPort: port } : {};
      entry.tunnels.push({ host: LOOPBACK, port, containerPort, ...plain });
    }
    void sandbox.ended.then(() => {
      for (const server of entry.servers) server.close();
    });
  }

  of(sandbox: Sandbox | undefined): Tunnel[] {
    return (sandbox && this.#open.get(sandbox)?.tunnels) ?? [];
  }
}

/** Passes on the first bytes of a connection, once it is certain that they may pass. Throws if they may not. */
async function passBeginning(socket: Socket, inside: Duplex): Promise<void> {
  let beginning = Buffer.alloc(0);
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk) beginning = Buffer.concat([beginning, chunk]);
    const isEnd = !chunk && (socket.readableEnded || socket.destroyed);
    const passes = chunk || isEnd ? (mayPass(beginning) ?? (isEnd || undefined)) : undefined;
    if (passes === false) throw new Error('A request for another host');
    if (passes) break;
    if (!chunk) await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
  inside.write(beginning);
}

/** Copies bytes between a connection and a port in the sandbox. An open connection counts as activity. */
async function forward(sandbox: Sandbox, port: number, socket: Socket): Promise<void> {
  socket.on('error', () => {});
  if (!admitsClients(sandbox.definition)) return void socket.destroy();
  socket.pause();
  sandbox.beginActivity();
  socket.once('close', () => sandbox.endActivity());
  try {
    const inside = await sandbox.container().setup.container.connect(port);
    inside.on('error', () => socket.destroy());
    inside.once('close', () => socket.end());
    socket.once('close', () => inside.destroy());
    // The sandbox may speak first.
    inside.pipe(socket);
    await passBeginning(socket, inside);
    socket.pipe(inside);
  } catch {
    socket.destroy();
  }
}

export function tunnelsService(table: SandboxTable, tunnels: Tunnels) {
  async function get({ sandboxId }: Request<'sandboxGetTunnelsV2'>) {
    table.record(sandboxId);
    return { result: { status: EndStatus.success }, tunnels: tunnels.of(table.get(sandboxId)) };
  }
  return { sandboxGetTunnels: get, sandboxGetTunnelsV2: get } satisfies Partial<ControlPlane>;
}
