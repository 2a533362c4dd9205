import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Sandbox } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** A small web server, as the sandbox's own command. It replies with the caller and the path of the request. */
const webServer = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (self.headers.get("X-Verified-User-Data", "nobody") + " " + self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
`;

describe('Local Modal network access', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  async function serving(port: number, params = {}): Promise<Sandbox> {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, {
      command: ['python3', '-c', webServer.replace('PORT', String(port))],
      // The sandbox needs its own network, so that ports in use on the host don't matter.
      blockNetwork: true,
      ...params,
    });
    const dial = async () => (await sandbox.exec(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`])).wait();
    await waitFor('the web server to start', 15_000, dial, (exitCode) => exitCode === 0);
    return sandbox;
  }

  it('connects a tunnel to its port, also in a sandbox without a network', async () => {
    const sandbox = await serving(8123, { encryptedPorts: [8123], unencryptedPorts: [8124] });
    const tunnels = await sandbox.tunnels();
    const tunnel = tunnels[8123];
    assert.ok(tunnel && tunnels[8124]);
    assert.equal(await (await fetch(`http://${tunnel.host}:${tunnel.port}/path`)).text(), 'nobody /path');
    assert.equal(tunnels[8124].tcpSocket[0], '127.0.0.1');
    await sandbox.terminate({ wait: true });
    await assert.rejects(fetch(`http://${tunnel.host}:${tunnel.port}/`));
  });

  it('accepts a connect token, and tells the sandbox whose token it is', async () => {
    const sandbox = await serving(8080);
    const { url, token } = await sandbox.createConnectToken({ userMetadata: 'someone' });
    assert.equal((await fetch(`${url}/secret`)).status, 401);
    const headers = { authorization: `Bearer ${token}`, 'x-verified-user-data': 'forged' };
    assert.equal(await (await fetch(`${url}/a/b?c`, { headers })).text(), 'someone /a/b?c');
    const byCookie = await fetch(url, { headers: { cookie: `_modal_connect_token=${token}` } });
    assert.equal(await byCookie.text(), 'someone /');
    assert.equal((await fetch(`${url}/?_modal_connect_token=${token}`)).status, 200);
    const elsewhere = await sandbox.createConnectToken({ port: 1 });
    const refused = await fetch(elsewhere.url, { headers: { authorization: `Bearer ${elsewhere.token}` } });
    assert.equal(refused.status, 502);
  });

  it('keeps an idle sandbox running while a connection is open', async () => {
    const sandbox = await serving(8125, { encryptedPorts: [8125], idleTimeoutMs: 1000 });
    const { connect } = await import('node:net');
    const tunnel = (await sandbox.tunnels())[8125];
    assert.ok(tunnel);
    const socket = connect(tunnel.port, tunnel.host);
    await once(socket, 'connect');
    // Another sandbox, without a connection, becomes idle later and has a longer timeout. When it stops, this one would have stopped too.
    const other = await bench.modal.sandboxes.create(bench.app, bench.image, { idleTimeoutMs: 2000 });
    await other.wait();
    assert.equal(await sandbox.poll(), null);
    socket.destroy();
    await sandbox.wait();
  });

  it('enforces an allowlist, and lets it be updated only if the sandbox was created with one', async () => {
    const open = await bench.modal.sandboxes.create(bench.app, bench.image);
    const listed = await bench.modal.sandboxes.create(bench.app, bench.image, {
      outboundCidrAllowlist: ['10.1.2.0/24'],
      outboundDomainAllowlist: ['example.com'],
    });
    assert.equal(await bench.shell(listed, 'tail -n +3 /proc/net/dev | wc -l'), '1\n');
    await listed.updateNetworkPolicy({ outboundCidrAllowlist: [], outboundDomainAllowlist: ['*.example.com'] });
    const bad = listed.updateNetworkPolicy({ outboundCidrAllowlist: ['x'], outboundDomainAllowlist: [] });
    await assert.rejects(bad, /INVALID_ARGUMENT: Invalid CIDR/);
    const never = open.updateNetworkPolicy({ outboundCidrAllowlist: [], outboundDomainAllowlist: [] });
    await assert.rejects(never, /FAILED_PRECONDITION/);
  });
});

describe('Local Modal sidecars', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  it('gives a sidecar its own root and processes, and stops it with its sandbox', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const sidecar = await sandbox.experimentalSidecars.create('helper', bench.image, { command: ['sleep', '1000'] });
    await sidecar.filesystem.writeText('aside', '/only-here');
    await assert.rejects(bench.shell(sandbox, 'cat /only-here'));
    const process = await sidecar.exec(['sh', '-c', 'cat /only-here; cat /proc/1/comm']);
    assert.equal(await process.stdout.readText(), 'asidecat\n');
    const { sandboxes } = await bench.server.control.running();
    assert.equal(sandboxes[0]?.pids.length, 2);
    await sandbox.terminate({ wait: true });
    assert.deepEqual((await bench.server.control.running()).sandboxes, []);
  });
});

describe('Local Modal on systems without isolation', () => {
  // A computer whose kernel allows no user namespaces, seen from one of the last that it allowed.
  const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"';
  const through = ['unshare', '--user', '--map-root-user', 'sh', '-c', forbid, 'sh'];

  it('starts without isolation, but rejects sandboxes with a reason and instructions', async () => {
    const bench = await startWorkbench({ through });
    const creating = bench.modal.sandboxes.create(bench.app, bench.image);
    await assert.rejects(
      creating,
      /FAILED_PRECONDITION: Sandboxes can't be isolated.*unshare failed.*--allow-unisolated/,
    );
    await bench.server.stop();
  });

  it('runs plain processes if --allow-unisolated is set, and leaves none behind', async () => {
    const bench = await startWorkbench({ through, args: ['--allow-unisolated'] });
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const process = await sandbox.exec(['/bin/sh', '-c', 'pwd; echo $0; exit 3'], { workdir: '/' });
    assert.match(await process.stdout.readText(), /sandboxes\/sb-.*\/up\/root\n/);
    assert.equal(await process.wait(), 3);
    const sleeping = await sandbox.exec(['/bin/sh', '-c', '/bin/sleep 765 & wait']);
    await sandbox.terminate({ wait: true });
    assert.equal(await sleeping.wait(), 137);
    await bench.server.stop();
  });
});
