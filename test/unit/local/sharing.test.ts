import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { proofOf, readServerFile, type ServerFile } from '../../../local/server/shared.ts';
import { Tag } from '../../../src/modal/sandboxes.ts';
import { newClient, startLocalModal, startWorkbench } from '../../helpers/local-modal.ts';

function lease({ leaseUrl, tokenSecret }: ServerFile, signal: AbortSignal): Promise<Response> {
  const nonce = randomUUID();
  const authorization = `Proof ${proofOf(`lease request ${nonce}`, tokenSecret)}`;
  return fetch(leaseUrl, { headers: { 'x-local-modal-nonce': nonce, authorization }, signal });
}

/** Starts a server that has lost its lease, but has a sandbox to keep. `endSandbox` ends that, and then waits for the server. */
async function keepingServer(flags: string[], tags: Record<string, string>): Promise<{ endSandbox(): Promise<void> }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shared-'));
  const args = ['--shared', '--linger', '0.3', ...flags];
  const { server, modal, app, image } = await startWorkbench({ dataDir, args });
  const file = await readServerFile(dataDir);
  assert.ok(file);
  const leased = new AbortController();
  const held = await lease(file, leased.signal);
  const sandbox = await modal.sandboxes.create(app, image, { tags });
  leased.abort();
  assert.equal(held.status, 200);
  return {
    async endSandbox() {
      assert.ok(await readServerFile(dataDir), 'the server stopped although it had a sandbox');
      await sandbox.terminate();
      await server.ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

describe('Local Modal server shared by several clients', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'shared-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  async function serverFile(): Promise<ServerFile> {
    const file = await readServerFile(dataDir);
    assert.ok(file, 'server.json does not exist');
    return file;
  }

  it('writes its address and token to a file that only its owner can read', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    try {
      const file = await serverFile();
      assert.equal(file.url, server.url);
      assert.equal(file.pid, server.pid);
      assert.equal((await stat(path.join(dataDir, 'server.json'))).mode & 0o777, 0o600);
      const modal = newClient(file.url, { tokenId: file.tokenId, tokenSecret: file.tokenSecret, logLevel: 'error' });
      await modal.apps.fromName('a', { createIfMissing: true });
      modal.close();
      const stranger = server.client({ tokenId: file.tokenId, tokenSecret: 'as-wrong' });
      await assert.rejects(stranger.apps.fromName('a'), /UNAUTHENTICATED/);
    } finally {
      await server.stop();
    }
  });

  it('rejects a second server on the same data folder with exit code 3', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    try {
      const second = spawn(process.execPath, ['dist/local-modal.cjs', '--data', dataDir, '--shared'], {
        stdio: 'pipe',
      });
      let complaint = '';
      second.stderr.on('data', (chunk) => {
        complaint += chunk;
      });
      const [code] = await once(second, 'close');
      assert.equal(code, 3);
      assert.match(complaint, /^Another Local Modal is using/m);
    } finally {
      await server.stop();
    }
  });

  it('takes over the data folder of a server that was killed', async () => {
    await (await startLocalModal({ dataDir, args: ['--shared'] })).kill();
    const next = await startLocalModal({ dataDir, args: ['--shared'] });
    assert.equal((await serverFile()).pid, next.pid);
    await next.stop();
  });

  it('runs while a lease is held or it has a sandbox to keep, and stops some time after', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared', '--linger', '0.3'] });
    const [first, second] = [new AbortController(), new AbortController()];
    // The responses must stay reachable, because the connection of a garbage-collected response is closed.
    const leases = [await lease(await serverFile(), first.signal), await lease(await serverFile(), second.signal)];
    first.abort();
    const keeping = await Promise.all([
      keepingServer(['--keep-sandboxes'], {}),
      keepingServer([], { [Tag.detached]: 'a' }),
    ]);
    // Another server loses its lease later and lingers for longer. When it stops, this one would have stopped too.
    const otherDir = await mkdtemp(path.join(tmpdir(), 'shared-'));
    const other = await startLocalModal({ dataDir: otherDir, args: ['--shared', '--linger', '0.6'] });
    const otherFile = await readServerFile(otherDir);
    assert.ok(otherFile);
    const third = new AbortController();
    await lease(otherFile, third.signal);
    third.abort();
    await other.ended;
    await rm(otherDir, { recursive: true, force: true });
    assert.ok(await readServerFile(dataDir), 'the server stopped while a lease was held');
    await Promise.all(keeping.map((each) => each.endSandbox()));
    second.abort();
    assert.deepEqual(
      leases.map(({ status }) => status),
      [200, 200],
    );
    await server.ended;
    assert.equal(await readServerFile(dataDir), undefined);
  });

  it('rejects a lease without a proof of the token', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    const file = await serverFile();
    const { signal } = new AbortController();
    assert.equal((await lease({ ...file, tokenSecret: 'as-wrong' }, signal)).status, 401);
    const token = { authorization: `Bearer ${file.tokenSecret}` };
    assert.equal((await fetch(file.leaseUrl, { headers: token })).status, 401);
    await server.stop();
  });

  it('starts although another program holds a socket with the name of its folder', async function () {
    if (process.platform !== 'linux') this.skip();
    const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 32);
    const holder = createServer().listen(`\0local-modal-${name}`);
    await once(holder, 'listening');
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    await server.stop();
    holder.close();
  });

  it('lets one of several servers that start at the same moment have the data folder', async () => {
    const starts = Array.from({ length: 3 }, () => startLocalModal({ dataDir, args: ['--shared'] }));
    const started = await Promise.allSettled(starts);
    const servers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    assert.equal(servers.length, 1);
    for (const each of started) if (each.status === 'rejected') assert.match(String(each.reason), /is using/);
    assert.equal((await serverFile()).pid, servers[0]?.pid);
    await servers[0]?.stop();
  });

  it('takes a data folder away from other users', async () => {
    await chmod(dataDir, 0o777);
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
    await server.stop();
  });
});

describe('The command line of Local Modal', () => {
  let folder: string;
  let port: number;
  const server = createServer();

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'local-modal-start-'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  const cases: readonly [title: string, seed: string | undefined, args: () => string[], expected: RegExp][] = [
    [
      'a port in use',
      undefined,
      () => ['--port', String(port)],
      /^Port \d+ is in use\. Stop the program that uses it, or use another port with --port\.\n$/,
    ],
    [
      'a control port in use',
      undefined,
      () => ['--control', String(port)],
      /^Local Modal couldn't start \(listen EADDRINUSE: address already in use 127\.0\.0\.1:\d+\)\.\n$/,
    ],
    ['a seed file that is not JSON', '{', () => [], /^The seed file \S+\/seed\.json isn't valid JSON: .*\.\n$/],
    [
      'a seed file with a wrong value',
      '{"secrets": {"a": {"b": 1}}}',
      () => [],
      /^The seed file \S+\/seed\.json isn't valid at “secrets\.a\.b”: Invalid input: expected string, received number\.\n$/,
    ],
    [
      'a seed file that does not exist',
      undefined,
      () => ['--seed', '/nope.json'],
      /^Couldn't read the seed file \(ENOENT: no such file or directory, open '\/nope\.json'\)\.\n$/,
    ],
    [
      'a data folder that is a file',
      undefined,
      () => ['--data', '/etc/hostname'],
      /^Local Modal couldn't start \(EEXIST: file already exists, mkdir '\/etc\/hostname'\)\.\n$/,
    ],
  ];
  for (const [title, seed, args, expected] of cases)
    it(`ends with one sentence for ${title}`, async () => {
      const seedFile = path.join(folder, 'seed.json');
      if (seed !== undefined) await writeFile(seedFile, seed);
      const seedArgs = seed === undefined ? [] : ['--seed', seedFile];
      const child = spawn(
        process.execPath,
        ['dist/local-modal.cjs', '--data', path.join(folder, 'data'), ...seedArgs, ...args()],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      assert.match(said, expected);
      assert.equal(code, 1);
    });
});
