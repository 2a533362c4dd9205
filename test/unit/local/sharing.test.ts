import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readServerFile, type ServerFile } from '../../../local/server/shared.ts';
import { newClient, startLocalModal } from '../../helpers/local-modal.ts';

describe('the local Modal: one server for several windows', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'shared-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  async function serverFile(): Promise<ServerFile> {
    const file = await readServerFile(dataDir);
    assert.ok(file, 'there is a server.json');
    return file;
  }

  function lease({ leaseUrl, tokenSecret }: ServerFile, signal: AbortSignal): Promise<Response> {
    return fetch(leaseUrl, { headers: { authorization: `Bearer ${tokenSecret}` }, signal });
  }

  it('tells its address and its token in a file for its user only', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    try {
      const file = await serverFile();
      assert.equal(file.url, server.url);
      assert.equal(file.pid, server.pid);
      assert.equal((await stat(path.join(dataDir, 'server.json'))).mode & 0o777, 0o600);
      const modal = newClient(file.url, { tokenId: file.tokenId, tokenSecret: file.tokenSecret, logLevel: 'error' });
      await modal.apps.fromName('a', { createIfMissing: true });
      modal.close();
      await assert.rejects(server.client().apps.fromName('a'), /UNAUTHENTICATED/);
    } finally {
      await server.stop();
    }
  });

  it('refuses a second server on the folder of a live one, with exit code 3', async () => {
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
      assert.match(complaint, /Another local Modal is running on/);
    } finally {
      await server.stop();
    }
  });

  it('takes over the folder of a server that was killed', async () => {
    await (await startLocalModal({ dataDir, args: ['--shared'] })).kill();
    const next = await startLocalModal({ dataDir, args: ['--shared'] });
    assert.equal((await serverFile()).pid, next.pid);
    await next.stop();
  });

  it('stays while a lease is held, and ends some time after the last has gone', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared', '--linger', '0.3'] });
    const [first, second] = [new AbortController(), new AbortController()];
    // Kept to the end: the connection of a response that is garbage is closed.
    const leases = [await lease(await serverFile(), first.signal), await lease(await serverFile(), second.signal)];
    first.abort();
    // Another server lingers for longer, and has no lease from now on: when it has ended this one would have, too.
    const otherDir = await mkdtemp(path.join(tmpdir(), 'shared-'));
    const other = await startLocalModal({ dataDir: otherDir, args: ['--shared', '--linger', '0.6'] });
    const otherFile = await readServerFile(otherDir);
    assert.ok(otherFile);
    const third = new AbortController();
    await lease(otherFile, third.signal);
    third.abort();
    await other.ended;
    await rm(otherDir, { recursive: true, force: true });
    assert.ok(await readServerFile(dataDir), 'it is still there with one lease');
    second.abort();
    assert.deepEqual(
      leases.map(({ status }) => status),
      [200, 200],
    );
    await server.ended;
    assert.equal(await readServerFile(dataDir), undefined);
  });

  it('gives no lease without the token', async () => {
    const server = await startLocalModal({ dataDir, args: ['--shared'] });
    const { leaseUrl } = await serverFile();
    assert.equal((await fetch(leaseUrl, { headers: { authorization: 'Bearer wrong' } })).status, 401);
    await server.stop();
  });
});
