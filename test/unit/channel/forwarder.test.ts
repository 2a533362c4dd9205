import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import type { Sandbox } from 'modal';
import { Channels } from '../../../src/channel/channels.ts';
import { Forwarder } from '../../../src/channel/forwarder.ts';
import type { Workbench } from '../../helpers/local-modal.ts';
import { SENT_PIECE, SOCKET_PATH, startSandboxServer } from './sandbox-server.ts';

describe('A local port that leads into a sandbox', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let channels: Channels;
  let port: number;

  before(async () => {
    ({ workbench, sandbox, port } = await startSandboxServer());
    channels = new Channels({ client: async () => workbench.modal });
  });
  after(async () => {
    channels.dispose();
    await workbench.server.stop();
  });

  const channel = () => channels.of(sandbox, { owner: 'Test', reason: 'forward' });

  function open(to: number, line: string): Socket {
    const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(line);
    return socket;
  }

  it('carries both directions to a port and a Unix socket, each of which can end first', async () => {
    for (const target of [{ port }, { path: SOCKET_PATH }]) {
      const forwarder = await Forwarder.listen(channel(), target);
      const bytes = Buffer.concat([SENT_PIECE, SENT_PIECE, SENT_PIECE]);
      assert.equal(
        await text(open(forwarder.port, 'hash\n').end(bytes)),
        createHash('sha256').update(bytes).digest('hex'),
      );
      assert.equal((await buffer(open(forwarder.port, 'send 16\n'))).length, 16 * SENT_PIECE.length);
      forwarder.close();
    }
  });

  it('has the same number if it is free on both local addresses, and another if not', async () => {
    // Local Modal's sandboxes share this computer's ports, so a free one stands for the sandbox's.
    const number = await free();
    const same = await Forwarder.listen(channel(), { port: number });
    assert.equal(same.port, number);
    const second = await Forwarder.listen(channel(), { port: number });
    assert.notEqual(second.port, number);
    same.close();
    second.close();
    const other = await listen('::1');
    const beside = await Forwarder.listen(channel(), { port: portOf(other) });
    assert.notEqual(beside.port, portOf(other));
    beside.close();
    await close(other);
  });

  it('waits for no byte of a client whose server speaks first', async () => {
    const speaker = createServer((socket) => socket.end('welcome'));
    speaker.listen(0, '127.0.0.1');
    await once(speaker, 'listening');
    const forwarder = await Forwarder.listen(channel(), { port: portOf(speaker) });
    assert.equal(await text(connect({ port: forwarder.port, host: '127.0.0.1' })), 'welcome');
    forwarder.close();
    await close(speaker);
  });

  it('resets a connection that cannot be made, and reports why', async () => {
    const forwarder = await Forwarder.listen(channel(), { port: 1 }, { preferredPort: 0 });
    const failed = new Promise((resolve) => forwarder.onDidFail(resolve));
    const socket = open(forwarder.port, 'echo\n');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNRESET');
    assert.match(String(await failed), /Nothing in the sandbox listens on port 1\./);
    forwarder.close();
  });

  it('ends a connection whose server vanishes, and reaches the next server on its port', async () => {
    const listening = await free();
    const script = `import os, signal, socket, sys
server = socket.create_server(('127.0.0.1', ${listening}))
print('ready', flush=True)
connection = server.accept()[0]
connection.sendall(sys.argv[1].encode())
connection.recv(1)
os.kill(os.getpid(), signal.SIGKILL)`;
    const owner = channel();
    const forwarder = await Forwarder.listen(owner, { port: listening }, { preferredPort: 0 });
    for (const name of ['first', 'second']) {
      const server = await owner.spawn(['python3', '-c', script, name]);
      await once(server.stdout, 'data');
      const socket = connect({ port: forwarder.port, host: '127.0.0.1' });
      const said = socket.setEncoding('utf8').iterator({ destroyOnReturn: false });
      assert.equal((await said.next()).value, name);
      socket.write('x');
      await said.next().catch(() => {});
      assert.deepEqual(await server.exit, { signal: 'SIGKILL' });
    }
    forwarder.close();
  });

  it('starts nothing in the sandbox before its first connection, and ends with its channel', async () => {
    const fresh = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
    await workbench.server.control.resetCalls();
    const owner = channels.of(fresh, { owner: 'Test', reason: 'lazy' });
    const forwarder = await Forwarder.listen(owner, { port });
    assert.equal((await workbench.server.control.calls()).TaskExecStart, undefined);
    const socket = connect({ port: forwarder.port, host: '127.0.0.1' });
    socket.write('wait\n');
    await new Promise<void>((resolve) => {
      const change = channels.onDidChange(() => {
        if (owner.info.streams === 0) return;
        change.dispose();
        resolve();
      });
    });
    assert.deepEqual(
      channels.all.filter(({ sandboxId }) => sandboxId === fresh.sandboxId),
      [{ owner: 'Test', reason: 'lazy', streams: 1, sandboxId: fresh.sandboxId }],
    );
    const closed = once(socket, 'close');
    socket.resume();
    socket.on('error', () => {});
    owner.close();
    await closed;
    assert.equal(forwarder.connections, 0);
    const refused = connect({ port: forwarder.port, host: '127.0.0.1' });
    assert.equal((await once(refused, 'error'))[0].code, 'ECONNREFUSED');
  });
});

/** Returns a port that nothing listens on. */
async function free(): Promise<number> {
  const reserved = await listen('127.0.0.1');
  const port = portOf(reserved);
  await close(reserved);
  return port;
}

async function listen(host: string): Promise<Server> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  return address.port;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
