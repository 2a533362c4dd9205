import type { Sandbox } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

/**
 * Listens on a port of 127.0.0.1, the same one of ::1, and a Unix socket. The first line of a connection says what to do
 * with the rest.
 */
const PROGRAM = `
import hashlib, os, socket, sys, threading
def serve(connection):
    line = b''
    while not line.endswith(b'\\n'):
        more = connection.recv(1)
        if not more: return connection.close()
        line += more
    what = line.split()
    if what[0] == b'echo':
        while True:
            data = connection.recv(65536)
            if not data: break
            connection.sendall(data)
    elif what[0] == b'hash':
        digest = hashlib.sha256()
        while True:
            data = connection.recv(65536)
            if not data: break
            digest.update(data)
        connection.sendall(digest.hexdigest().encode())
    elif what[0] == b'send':
        piece = bytes(range(256)) * 256
        for _ in range(int(what[1])): connection.sendall(piece)
    elif what[0] == b'wait':
        connection.recv(1)
    connection.close()
def listen(family, address):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(512)
    def accept():
        while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()
port = listen(socket.AF_INET, ('127.0.0.1', 0))[1]
listen(socket.AF_INET6, ('::1', port))
listen(socket.AF_UNIX, '/tmp/server.sock')
print(port, flush=True)
sys.stdin.read()
`;

export const SOCKET_PATH = '/tmp/server.sock';
/** What the server sends for each unit of `send`. */
export const SENT_PIECE = Buffer.from(Array.from({ length: 65_536 }, (_, at) => at % 256));

/** Starts the server in a sandbox, and returns its port. */
export async function startServer(sandbox: Sandbox): Promise<number> {
  const process = await sandbox.exec(['python3', '-c', PROGRAM]);
  const { value } = await process.stdout.getReader().read();
  return Number(value);
}

/** A server in a sandbox of its own, and Local Modal, which is to be stopped. */
export interface SandboxServer {
  readonly workbench: Workbench;
  readonly sandbox: Sandbox;
  readonly port: number;
}

/** Starts Local Modal, and the server in a sandbox of it. */
export async function startSandboxServer(): Promise<SandboxServer> {
  const workbench = await startWorkbench();
  const sandbox = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
  return { workbench, sandbox, port: await startServer(sandbox) };
}
