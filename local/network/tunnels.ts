/** Tunnels: each open port of a sandbox gets a listener on the host's loopback. */
import { createServer, type Server, type Socket } from 'node:net';
import { type ControlPlane, EndStatus, type Request, type Tunnel } from '../grpc/wire.ts';
import { listenOnLoopback } from '../http/listen.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';

const LOOPBACK = '127.0.0.1';

export class Tunnels {
  readonly #open = new Map<Sandbox, { servers: Server[]; tunnels: Tunnel[] }>();

  /** Opens a tunnel for each port in the sandbox's definition. They close when the sandbox stops. */
  async open(sandbox: Sandbox): Promise<void> {
    const ports = sandbox.definition.openPorts?.ports ?? [];
    if (ports.length === 0) return;
    const entry = { servers: [] as Server[], tunnels: [] as Tunnel[] };
    this.#open.set(sandbox, entry);
    for (const { port: containerPort, unencrypted } of ports) {
      const server = createServer((socket) => void forward(sandbox, containerPort, socket));
      const port = await listenOnLoopback(server, 0);
      entry.servers.push(server);
      // Connections on loopback aren't encrypted. Both kinds of ports are plain TCP.
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

/** Copies bytes between a connection and a port in the sandbox. An open connection counts as activity. */
async function forward(sandbox: Sandbox, port: number, socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.pause();
  sandbox.beginActivity();
  socket.once('close', () => sandbox.endActivity());
  try {
    const inside = await sandbox.container().setup.container.connect(port);
    inside.on('error', () => socket.destroy());
    inside.once('close', () => socket.end());
    socket.once('close', () => inside.destroy());
    socket.pipe(inside).pipe(socket);
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
