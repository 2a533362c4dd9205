import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import type { Sandbox } from 'modal';
import { processTree } from '../../../local/isolation/processes.ts';
import { listSandboxes, openablePortUrl } from '../../../src/modal/sandbox-list.ts';
import { onGvisor, startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** A small web server, as the sandbox's own command. It replies with the caller and the path of the request. */
const webServer = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = " ".join(filter(None, [self.headers.get("X-Verified-User-Data", "nobody"), self.path, self.headers.get("Cookie")])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
`;

/** Sends back what it receives, for one connection after another. */
const ECHO_SERVER = `
use IO::Socket::INET;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => $ARGV[0]) or die "$!";
$| = 1; print 'listening';
while (my $client = $server->accept) { while (sysread $client, my $bytes, 65536) { syswrite $client, $bytes } close $client }
`;

/** Sends bytes to a port, and returns what comes back: nothing if the connection is closed. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  socket.once('data', () => socket.end());
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

/** Returns whether a process exists. One that has exited, though its parent hasn't noticed yet, has no command line. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file, 'utf8') !== '';
}

/** A name server that knows one address for all names. */
async function startNameServer(address: string): Promise<Socket> {
  const server = createSocket('udp4');
  server.on('message', (query, { address: host, port }) => {
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]);
    // Only the question is kept, without extensions.
    const message = Buffer.concat([query.subarray(0, query.indexOf(0, 12) + 5), answer]);
    message.writeUInt16BE(0x8180, 2);
    for (const [at, count] of [1, 1, 0, 0].entries()) message.writeUInt16BE(count, 4 + at * 2);
    server.send(message, port, host);
  });
  server.bind(53, '127.0.0.77');
  await once(server, 'listening');
  return server;
}

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
    const { token } = await sandbox.createConnectToken({ port: 8123 });
    const url = `http://${tunnel.host}:${tunnel.port}`;
    const headers = { authorization: `Bearer ${token}` };
    assert.equal(await (await fetch(`${url}/path`, { headers })).text(), 'nobody /path');
    assert.equal(tunnels[8124].tcpSocket[0], '127.0.0.1');
    await sandbox.terminate({ wait: true });
    await assert.rejects(fetch(url, { headers }));
  });

  it('lets no one into a tunnel without a token for its port', async () => {
    const sandbox = await serving(8127, { encryptedPorts: [8127] });
    const url = `http://127.0.0.1:${(await sandbox.tunnels())[8127]?.port}`;
    const refused = await fetch(url);
    assert.equal(refused.status, 401);
    assert.match(await refused.text(), /needs a connect token.*createConnectToken/s);
    const statusWith = async (token: string) =>
      (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
    assert.equal(await statusWith('ct-guessed'), 401);
    assert.equal(await statusWith((await sandbox.createConnectToken({ port: 8126 })).token), 401);
    const other = await bench.modal.sandboxes.create(bench.app, bench.image);
    assert.equal(await statusWith((await other.createConnectToken({ port: 8127 })).token), 401);
    assert.equal(await statusWith((await sandbox.createConnectToken({ port: 8127 })).token), 200);
  });

  it('lets a browser in through the URL that the Sandboxes view opens, which turns the token into a cookie', async () => {
    const sandbox = await serving(8128, { encryptedPorts: [8128] });
    const listed = await listSandboxes(bench.modal, bench.app, new Date());
    const [port] = listed.find(({ id }) => id === sandbox.sandboxId)?.ports ?? [];
    assert.ok(port);
    const { pathname, search, host } = new URL(await openablePortUrl(bench.modal, sandbox.sandboxId, port));
    const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n`;
    const first = await send(Number(host.split(':')[1]), head);
    assert.match(first, /^HTTP\/1.1 303 .*\r\nlocation: \/\r\n/s);
    const [, cookie] = /\r\nset-cookie: (\S+); Path=\/; HttpOnly; SameSite=Lax\r\n/.exec(first) ?? [];
    const withCookie = (name: string) => fetch(`${port.url}/echo-cookie`, { headers: { cookie: name } });
    assert.equal(await (await withCookie(`own=1; ${cookie}`)).text(), 'nobody /echo-cookie own=1');
    assert.equal((await withCookie('own=1')).status, 401);
  });

  it('answers only requests for this computer, also in a tunnel for plain TCP', async () => {
    const sandbox = await serving(8129, { encryptedPorts: [8129], unencryptedPorts: [8130] });
    const { token } = await sandbox.createConnectToken({ port: 8129 });
    const tunnels = await sandbox.tunnels();
    const ask = (port: number, host: string) =>
      send(port, `GET / HTTP/1.0\r\nAuthorization: Bearer ${token}\r\nHost: ${host}\r\n\r\n`);
    const port = tunnels[8129]?.port ?? 0;
    assert.match(await ask(port, 'example.com'), /^HTTP\/1.1 421 /);
    assert.match(await ask(port, `localhost:${port}`), /^HTTP\/1.. 200 /);
    const echo = await sandbox.exec(['perl', '-e', ECHO_SERVER, '8130']);
    assert.equal((await echo.stdout.getReader().read()).value, 'listening');
    const plain = tunnels[8130]?.port ?? 0;
    assert.equal(await send(plain, 'any bytes'), 'any bytes');
    assert.match(await ask(plain, '127.0.0.1'), /^GET /);
    assert.equal(await ask(plain, 'example.com'), '');
  });

  it("refuses connections that a sandbox's inbound allowlist doesn't contain, with a sentence", async () => {
    const ports = { encryptedPorts: [8131], unencryptedPorts: [8132], blockNetwork: false };
    const create = (inboundCidrAllowlist: string[]) =>
      bench.modal.sandboxes.create(bench.app, bench.image, { ...ports, inboundCidrAllowlist });
    const [far, near] = [await create(['10.0.0.0/8']), await create(['127.0.0.0/8'])];
    const answer = async (sandbox: Sandbox) => {
      const { token } = await sandbox.createConnectToken({ port: 8131 });
      const { port } = (await sandbox.tunnels())[8131] ?? {};
      return fetch(`http://127.0.0.1:${port}`, { headers: { authorization: `Bearer ${token}` } });
    };
    const refused = await answer(far);
    assert.equal(refused.status, 403);
    assert.match(await refused.text(), /inbound allowlist doesn't contain 127\.0\.0\.1/);
    assert.equal(await send((await far.tunnels())[8132]?.port ?? 0, 'hello'), '');
    assert.equal((await answer(near)).status, 502);
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
    const sandbox = await serving(8125, { unencryptedPorts: [8125], idleTimeoutMs: 1000 });
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

describe('Local Modal with networks of their own', () => {
  let bench: Workbench;
  /** A program on the computer that says its name to everyone, on all of its addresses. */
  const listener = createServer((socket) => socket.end('outside'));
  /** An address of the computer that isn't its loopback. */
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  let port = 0;
  before(async function () {
    skipUnless(this, existsSync('/usr/bin/slirp4netns') && address !== undefined, 'slirp4netns is not installed.');
    listener.listen(0);
    await once(listener, 'listening');
    port = (listener.address() as AddressInfo).port;
    bench = await startWorkbench({ args: ['--network', 'auto'] });
    assert.match(await bench.server.printedIsolation(), /Each has a network of its own\.$/);
  });
  after(async () => {
    listener.close();
    await bench?.server.stop();
  });

  /** Returns what a program says to a sandbox that connects to it, or '' if it can't. */
  async function heard(sandbox: Sandbox, host: string): Promise<string> {
    const dial = `exec 3<>/dev/tcp/${host}/${port} && cat <&3`;
    return (await sandbox.exec(['bash', '-c', dial])).stdout.readText();
  }

  it("lets two sandboxes listen on one port, and keeps the computer's loopback from them", async () => {
    const serving = async () => {
      const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { unencryptedPorts: [port] });
      const echo = await sandbox.exec(['perl', '-e', ECHO_SERVER, String(port)]);
      assert.equal((await echo.stdout.getReader().read()).value, 'listening');
      return sandbox;
    };
    const both = await Promise.all([serving(), serving()]);
    for (const sandbox of both) {
      assert.equal(await send((await sandbox.tunnels())[port]?.port ?? 0, 'any bytes'), 'any bytes');
      // The gateway would lead to the computer's loopback.
      assert.equal(await heard(sandbox, '10.0.2.2'), '');
      assert.equal(await heard(sandbox, address ?? ''), 'outside');
      await sandbox.terminate({ wait: true });
    }
  });

  it('lets a sandbox reach only the addresses on its allowlist, which can be changed', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, {
      outboundCidrAllowlist: [`${address}/32`],
    });
    assert.equal(await heard(sandbox, address ?? ''), 'outside');
    await sandbox.updateNetworkPolicy({ outboundCidrAllowlist: ['10.1.2.3/24'], outboundDomainAllowlist: [] });
    assert.equal(await heard(sandbox, address ?? ''), '');
    await assert.rejects(bench.shell(sandbox, 'ip route add default via 10.0.2.2'));
    const sidecar = await sandbox.experimentalSidecars.create('helper', bench.image);
    const echo = await sandbox.exec(['perl', '-e', ECHO_SERVER, String(port)]);
    assert.equal((await echo.stdout.getReader().read()).value, 'listening');
    const dial = `exec 3<>/dev/tcp/127.0.0.1/${port} && echo shared >&3 && head -n 1 <&3`;
    assert.equal(await (await sidecar.exec(['bash', '-c', dial])).stdout.readText(), 'shared\n');
  });

  it('lets a sandbox reach the addresses of the domains on its allowlist, and leaves no process behind', async function () {
    skipUnless(this, process.getuid?.() === 0, 'Only root can be a name server.');
    const names = await startNameServer(address ?? '');
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'names-')), 'resolv.conf');
    await writeFile(file, `nameserver ${names.address().address}\n`);
    const through = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file];
    const { server, modal, app, image } = await startWorkbench({ args: ['--network', 'auto'], through });
    const sandbox = await modal.sandboxes.create(app, image, { outboundDomainAllowlist: ['*.example.com'] });
    assert.equal(await heard(sandbox, address ?? ''), '');
    assert.equal(await heard(sandbox, 'files.example.net'), '');
    assert.equal(await heard(sandbox, 'files.example.com'), 'outside');
    names.close();
    const helpers = processTree(server.pid);
    await server.kill();
    await waitFor(
      'all helpers to exit',
      15_000,
      async () => helpers.filter(isRunning),
      (left) => left.length === 0,
    );
    await rm(server.dataDir, { recursive: true });
    await rm(path.dirname(file), { recursive: true });
  }).timeout(30_000);
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
    assert.equal(await process.stdout.readText(), `aside${onGvisor ? 'sleep' : 'cat'}\n`);
    const { sandboxes } = await bench.server.control.running();
    // A sentry is several processes.
    if (!onGvisor) assert.equal(sandboxes[0]?.pids.length, 2);
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
    const sleeping = await sandbox.exec(['/bin/sh', '-c', '/bin/sleep 765 & exec /bin/sleep 764']);
    await sandbox.terminate({ wait: true });
    assert.equal(await sleeping.wait(), 137);
    await bench.server.stop();
  });
});
