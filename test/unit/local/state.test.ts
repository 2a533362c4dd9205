import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { NotFoundError } from 'modal';
import type { Channel } from 'nice-grpc';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { rawControlPlane } from './raw-clients.ts';

describe('Local Modal persistence', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'lasting-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('keeps acknowledged images, snapshots, exit snapshots, names, volumes, and secrets after SIGKILL', async () => {
    const first = await startLocalModal({
      dataDir,
      seed: { environments: ['dev'], secrets: { named: { KEY: 'value' } } },
    });
    const modal = first.client();
    const app = await modal.apps.fromName('lasting', { createIfMissing: true });
    const image = await modal.images.fromRegistry('debian').dockerfileCommands(['RUN echo built > /built']).build(app);
    await image.publish('published');
    const volume = await modal.volumes.fromName('volume', { createIfMissing: true });
    const sandbox = await modal.sandboxes.create(app, image, {
      volumes: { '/data': volume },
      name: 'named',
      experimentalOptions: { enable_exit_snapshot: true },
    });
    await sandbox.filesystem.writeText('snapped', '/snapped');
    await sandbox.filesystem.writeText('committed', '/data/file');
    await sandbox.reloadVolumes();
    const snapshot = await sandbox.snapshotFilesystem();
    await sandbox.filesystem.writeText('last words', '/snapped');
    await first.kill();

    const second = await startLocalModal({ dataDir });
    const again = second.client();
    assert.equal((await again.apps.fromName('lasting')).appId, app.appId);
    assert.equal((await again.images.fromName('published')).imageId, image.imageId);
    const secret = await again.secrets.fromName('named', { requiredKeys: ['KEY'], environment: 'dev' });
    assert.equal(
      await again.cpClient.sandboxWaitV2({ sandboxId: sandbox.sandboxId }).then(({ result }) => result?.status),
      3,
    );
    await assert.rejects(again.sandboxes.fromName('lasting', 'named'), NotFoundError);
    const restoredApp = await again.apps.fromName('lasting');
    const restored = await again.sandboxes.create(restoredApp, snapshot, {
      volumes: { '/data': await again.volumes.fromName('volume') },
      secrets: [secret],
      name: 'named',
    });
    const process = await restored.exec(['sh', '-c', 'cat /built /snapped /data/file; echo $KEY']);
    assert.equal(await process.stdout.readText(), 'built\nsnappedcommittedvalue\n');
    const ended = await again.sandboxes.fromId(sandbox.sandboxId);
    const atExit = await again.sandboxes.create(restoredApp, await ended.experimentalGetExitSnapshot());
    const said = await atExit.exec(['cat', '/built', '/snapped']);
    assert.equal(await said.stdout.readText(), 'built\nlast words');
    await second.stop();
  });

  it('keeps every acknowledged write if the server is killed during many writes', async () => {
    const acknowledged: string[] = [];
    const server = await startLocalModal({ dataDir });
    const { cpClient } = server.client();
    const writing = (async () => {
      for (let n = 0; ; n++) {
        const { secretId } = await cpClient.secretGetOrCreate(
          { deploymentName: `s${n}`, objectCreationType: 1, envDict: { N: `${n}` } },
          { retries: 0 },
        );
        acknowledged.push(secretId);
      }
    })();
    writing.catch(() => {});
    await waitFor(
      'many writes',
      10_000,
      async () => acknowledged.length,
      (count) => count > 50,
    );
    await server.kill();
    await assert.rejects(writing);
    const next = await startLocalModal({ dataDir });
    const { items } = await next.client().cpClient.secretList({});
    const kept = new Set(items.map(({ secretId }) => secretId));
    assert.deepEqual(
      acknowledged.filter((id) => !kept.has(id)),
      [],
    );
    await next.stop();
  });

  it('leaves no partial file in a volume if the server is killed during a commit', async () => {
    const server = await startLocalModal({ dataDir });
    const modal = server.client();
    const app = await modal.apps.fromName('lasting', { createIfMissing: true });
    const volume = await modal.volumes.fromName('volume', { createIfMissing: true });
    const sandbox = await modal.sandboxes.create(app, modal.images.fromRegistry('debian'), {
      volumes: { '/data': volume },
    });
    await sandbox.filesystem.writeText('whole', '/data/whole');
    await sandbox.reloadVolumes();
    await (await sandbox.exec(['sh', '-c', 'head -c 500000000 /dev/zero > /data/big'])).wait();
    sandbox.reloadVolumes().catch(() => {});
    const incoming = path.join(dataDir, 'volumes/incoming');
    for (const limit = Date.now() + 10_000; (await readdir(incoming)).length === 0; ) assert.ok(Date.now() < limit);
    await server.kill();

    const next = await startLocalModal({ dataDir });
    const { volumeId } = await next.client().volumes.fromName('volume');
    const found: string[] = [];
    for await (const { entries } of next.client().cpClient.volumeListFiles2({ volumeId, path: '/' })) {
      found.push(...entries.map((entry) => entry.path));
    }
    // If the file system copies by reference, the other file may have been committed, but then completely.
    const others = found.filter((file) => file !== 'big');
    assert.deepEqual(others, ['whole']);
    assert.deepEqual(await readdir(incoming), []);
    await next.stop();
  }).timeout(30_000);

  it('makes its data readable only by its owner, and listens only on loopback', async () => {
    const server = await startLocalModal({ dataDir });
    await server.client().apps.fromName('a', { createIfMissing: true });
    assert.equal((await stat(path.join(dataDir, 'state.json'))).mode & 0o777, 0o600);
    const own = await startLocalModal();
    assert.equal((await stat(own.dataDir)).mode & 0o077, 0);
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const port = Number(new URL(server.url).port);
    for (const { address } of addresses.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      await assert.rejects(
        new Promise((resolve, reject) => connect(port, address, () => resolve(address)).once('error', reject)),
        /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/,
      );
    }
    await own.stop();
    await server.stop();
  });

  it("rejects a state file that isn't valid, and doesn't overwrite it", async () => {
    await writeFile(path.join(dataDir, 'state.json'), '{"signingKey": 7}');
    await assert.rejects(startLocalModal({ dataDir }), /state\.json is not a valid Local Modal state file/);
    assert.equal(await readFile(path.join(dataDir, 'state.json'), 'utf8'), '{"signingKey": 7}');
  });
});

describe('Local Modal authentication', () => {
  it('makes a token of its own when it is started by hand, and prints how to use it', async () => {
    const server = await startLocalModal({ tokens: [] });
    const { MODAL_SERVER_URL, MODAL_TOKEN_ID, MODAL_TOKEN_SECRET } = await server.printedVariables();
    assert.equal(MODAL_SERVER_URL, server.url);
    const own = server.client({ tokenId: MODAL_TOKEN_ID, tokenSecret: MODAL_TOKEN_SECRET });
    await own.apps.fromName('a', { createIfMissing: true });
    const other = server.client({ tokenId: MODAL_TOKEN_ID, tokenSecret: 'as-any' });
    await assert.rejects(other.apps.fromName('a'), /UNAUTHENTICATED/);
    await server.stop();
  });

  it('accepts only the tokens on the command line, if there are any', async () => {
    const server = await startLocalModal({ tokens: ['ak-one:as-one', 'ak-two:as-two'] });
    for (const name of ['one', 'two']) {
      const client = server.client({ tokenId: `ak-${name}`, tokenSecret: `as-${name}` });
      await client.apps.fromName('a', { createIfMissing: true });
    }
    const mixed = server.client({ tokenId: 'ak-one', tokenSecret: 'as-two' });
    await assert.rejects(mixed.apps.fromName('a'), /UNAUTHENTICATED/);
    await server.stop();
  });

  it('answers the control channel only with the token', async () => {
    const server = await startLocalModal();
    const running = (headers: Record<string, string>) => fetch(`${server.controlUrl}/running`, { headers });
    assert.equal((await running({})).status, 401);
    assert.equal((await running({ authorization: 'Bearer as-wrong' })).status, 401);
    assert.equal((await running({ authorization: `Bearer ${server.tokenSecret}` })).status, 200);
    await server.stop();
  });
});

describe('Local Modal sign-in', () => {
  let server: RunningLocalModal;
  let flow: Awaited<ReturnType<typeof rawControlPlane>>['client'];
  let channel: Channel;
  before(async () => {
    server = await startLocalModal({ args: ['--sign-in'] });
    ({ client: flow, channel } = await rawControlPlane(server.url));
  });
  after(() => {
    channel.close();
    return server.stop();
  });

  async function begin(nextUrl = '') {
    const { tokenFlowId, webUrl, code, waitSecret } = await flow.tokenFlowCreate({ nextUrl });
    return { webUrl, code, password: await server.printedPassword(webUrl), waiter: { tokenFlowId, waitSecret } };
  }

  const send = (url: string, password: string, origin = new URL(url).origin) =>
    fetch(url, { method: 'POST', headers: { origin }, body: new URLSearchParams({ password }), redirect: 'manual' });

  it('gives a token only to those who enter the password that the server printed', async () => {
    const { webUrl, code, password, waiter } = await begin();
    const page = await (await fetch(webUrl)).text();
    assert.match(code, /^[A-Z]{4}-[A-Z]{4}$/);
    assert.deepEqual([page.includes(code), page.includes(password)], [true, false]);
    assert.equal((await send(webUrl, '')).status, 403);
    assert.equal((await send(webUrl, password, 'https://example.com')).status, 403);
    assert.deepEqual((await flow.tokenFlowWait({ ...waiter, timeout: 0.1 })).timeout, true);
    const waiting = flow.tokenFlowWait({ ...waiter, timeout: 10 });
    assert.equal((await send(webUrl, password)).status, 200);
    const { tokenId, tokenSecret, workspaceUsername } = await waiting;
    assert.equal(workspaceUsername, 'local');
    await server.client({ tokenId, tokenSecret }).apps.fromName('a', { createIfMissing: true });
    const stranger = flow.tokenFlowWait({ ...waiter, waitSecret: 'wrong', timeout: 1 });
    await assert.rejects(stranger, /PERMISSION_DENIED/);
    await assert.rejects(flow.appList({}), /UNAUTHENTICATED/);
  });

  it('ends after a few wrong passwords', async () => {
    const { webUrl, password } = await begin();
    for (let tries = 0; tries < 5; tries++) assert.equal((await send(webUrl, 'guess')).status, 403);
    assert.equal((await send(webUrl, password)).status, 404);
  });

  it('leads the browser only to pages on this computer', async () => {
    await assert.rejects(begin('https://example.com/'), /INVALID_ARGUMENT/);
    await assert.rejects(begin('javascript:void 0'), /INVALID_ARGUMENT/);
    const next = 'http://localhost:1234/done';
    const { webUrl, password } = await begin(next);
    assert.equal((await send(webUrl, password)).headers.get('location'), next);
  });

  it('has a page that is only for names of this computer', async () => {
    const { webUrl } = await begin();
    const { port, pathname } = new URL(webUrl);
    assert.equal(await statusFor('example.com', port, pathname), 421);
    assert.equal(await statusFor(`localhost:${port}`, port, pathname), 200);
  });

  it("doesn't exist unless the server is asked for it, and never on a shared server", async () => {
    const plain = await startLocalModal();
    const { client, channel: plainChannel } = await rawControlPlane(plain.url);
    await assert.rejects(client.tokenFlowCreate({ nextUrl: '' }), /UNAUTHENTICATED/);
    await assert.rejects(client.tokenFlowWait({ tokenFlowId: 'tf-1', waitSecret: 'a' }), /UNAUTHENTICATED/);
    await assert.rejects(plain.client().cpClient.tokenFlowCreate({ nextUrl: '' }), /UNIMPLEMENTED/);
    plainChannel.close();
    await plain.stop();
    const shared = startLocalModal({ args: ['--shared', '--sign-in'] });
    await assert.rejects(shared, /--sign-in can't be combined with --shared/);
  });
});

/** Requests a page under another host name than that of its address, and returns the status. */
async function statusFor(host: string, port: string, pathname: string): Promise<number | undefined> {
  const request = get({ port, host: '127.0.0.1', path: pathname, headers: { host } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}
