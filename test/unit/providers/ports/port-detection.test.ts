import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Sandbox } from 'modal';
import { Channels, type Target } from '../../../../src/channel/channels.ts';
import { Forwards } from '../../../../src/channel/forwards.ts';
import { PortDetection } from '../../../../src/providers/ports/port-detection.ts';
import { RunningCommands } from '../../../../src/run/running-commands.ts';
import { startWorkbench, type Workbench } from '../../../helpers/local-modal.ts';
import { waitFor } from '../../../helpers/wait-for.ts';

/** Serves the same page on a port of 127.0.0.1, on one of ::1 alone, and on a Unix socket. A POST answers with its length. */
const SERVERS = `
import http.server, socket, socketserver, threading, sys
class Page(http.server.BaseHTTPRequestHandler):
    def address_string(self): return ''
    def log_message(self, *_): pass
    def answer(self, text):
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self): self.answer('page of ' + self.path)
    def do_POST(self):
        left, length = int(self.headers['Content-Length']), 0
        while left > 0:
            data = self.rfile.read(min(left, 65536))
            left -= len(data)
            length += len(data)
        self.answer(str(length))
class Server(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True
class Server6(Server): address_family = socket.AF_INET6
class UnixServer(socketserver.ThreadingUnixStreamServer): daemon_threads = True
for server in [Server(('127.0.0.1', 8000), Page), Server6(('::1', 8001), Page), UnixServer('/tmp/app.sock', Page)]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print('ready', flush=True)
sys.stdin.read()
`;

describe('The ports of a sandbox without network access', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let channels: Channels;
  let forwards: Forwards;
  const commands = new RunningCommands();

  before(async () => {
    workbench = await startWorkbench();
    const { modal, app, image } = workbench;
    sandbox = await modal.sandboxes.create(app, image, { timeoutMs: 600_000, blockNetwork: true });
    channels = new Channels({ client: async () => modal });
    forwards = new Forwards(channels);
  });
  after(async () => {
    channels.dispose();
    await workbench.server.stop();
  });

  const get = async (target: Target) => {
    const { localPort } = await forwards.start(sandbox, target);
    return (await fetch(`http://127.0.0.1:${localPort}/a`)).text();
  };

  it('are detected while something runs in it, and forgotten when the run has ended', async () => {
    const isEnabled = () => true;
    const detection = new PortDetection({ channels, commands, isEnabled, findSandbox: async () => sandbox });
    const process = await sandbox.exec(['python3', '-c', SERVERS]);
    await process.stdout.getReader().read();
    const seen = () => detection.in(sandbox.sandboxId).map(({ port, command }) => [port, command.split(' ')[0]]);
    const end = commands.add({ runId: 'run', sandboxId: sandbox.sandboxId, label: 'server' });
    await waitFor(
      'the ports',
      20_000,
      async () => seen(),
      (ports) => ports.length === 2,
    );
    assert.deepEqual(seen(), [
      [8000, 'python3'],
      [8001, 'python3'],
    ]);
    assert.deepEqual(
      channels.all.map(({ owner }) => owner),
      ['Port detection'],
    );
    end();
    assert.deepEqual(seen(), []);
    assert.deepEqual(channels.all, []);
    detection.dispose();
  });

  it('can be reached from this computer, whether a program listens on IPv4, only on IPv6, or on a socket', async () => {
    for (const target of [{ port: 8000 }, { port: 8001 }, { path: '/tmp/app.sock' }]) {
      assert.equal(await get(target), 'page of /a', JSON.stringify(target));
    }
    assert.equal(forwards.in(sandbox.sandboxId).length, 3);
    const { localPort } = await forwards.start(sandbox, { port: 8000 });
    const body = Buffer.alloc(8 * 1024 * 1024);
    assert.equal(
      await (await fetch(`http://127.0.0.1:${localPort}`, { method: 'POST', body })).text(),
      String(body.length),
    );
  });

  it('can no longer be reached once their forward is stopped, and get another one then', async () => {
    const forward = await forwards.start(sandbox, { port: 8000 });
    assert.equal(await forwards.start(sandbox, { port: 8000 }), forward);
    forwards.stop(forward);
    const [error] = await once(connect(forward.localPort, '127.0.0.1'), 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    assert.equal(await get({ port: 8000 }), 'page of /a');
  });

  it('are no longer forwarded once the sandbox has stopped', async () => {
    const { localPort } = await forwards.start(sandbox, { port: 8000 });
    await sandbox.terminate();
    await fetch(`http://127.0.0.1:${localPort}`).catch(() => {});
    await waitFor(
      'the forwards to end',
      20_000,
      async () => forwards.in(sandbox.sandboxId).length,
      (count) => count === 0,
    );
    assert.deepEqual(channels.all, []);
  });
});
