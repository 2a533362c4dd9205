import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisProcess } from '../../../src/base/processes.ts';
import { connect } from '../../../src/modal/client.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import type { LocalModalLauncher } from '../../../src/modal/local-modal.ts';
import { strings } from '../../../src/modal/strings.ts';
import { launcherFor } from '../../helpers/local-modal-launcher.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const SECRET = 'as-recorded';

describe('Joining Local Modal', () => {
  let dataDir: string;
  let launcher: LocalModalLauncher;
  let other: Server;
  /** Everything that a program received that isn't Local Modal, but has the port of one that has ended. */
  let received: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'joining-'));
    launcher = launcherFor(dataDir);
    received = '';
    other = createServer((request, response) => {
      received += `${request.url} ${JSON.stringify(request.rawHeaders)}`;
      response.writeHead(200).write('held\n');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
  });
  afterEach(async () => {
    const pid = await serverPid().catch(() => undefined);
    launcher.dispose();
    other.closeAllConnections();
    other.close();
    if (pid !== undefined && pid !== process.pid) process.kill(pid);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20 });
  });

  const serverFile = () => join(dataDir, 'server.json');
  const serverPid = async (): Promise<number> => JSON.parse(await readFile(serverFile(), 'utf8')).pid;

  /** Writes a file as a server would that has the other program's port. */
  async function record(content: object = {}): Promise<string> {
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const file = {
      url,
      leaseUrl: `${url}/lease`,
      ...(await thisProcess()),
      tokenId: 'ak-recorded',
      tokenSecret: SECRET,
      isolation: 'Sandboxes are not isolated.',
    };
    await writeFile(serverFile(), JSON.stringify({ ...file, ...content }), { mode: 0o600 });
    return url;
  }

  it("doesn't believe a program that doesn't prove that it knows the token, and doesn't send it the token", async () => {
    const url = await record();
    const { serverUrl } = await launcher.account();
    assert.notEqual(serverUrl, url);
    assert.match(received, /^\/lease /);
    assert.ok(!received.includes(SECRET));
  });

  it("doesn't contact the port of a process that has ended, also if another process has its ID", async () => {
    await record({ startedAt: 'long ago' });
    await launcher.account();
    assert.equal(received, '');
  });

  it("doesn't believe a file that others can read", async () => {
    await record();
    await chmod(serverFile(), 0o644);
    await launcher.account();
    assert.equal(received, '');
  });

  it('notices at once that the server was killed, says so for every call, and starts another one', async () => {
    const account = await launcher.account();
    const client = await connect(account);
    const ends: string[] = [];
    launcher.onDidEnd((logPath) => ends.push(logPath));
    process.kill(await serverPid(), 'SIGKILL');
    const logPath = join(dataDir, 'server.log');
    await waitFor(
      'the end of the server',
      2_000,
      async () => ends,
      ([first]) => first === logPath,
    );
    const error = await client.cpClient.appList({}).catch((reason: unknown) => reason);
    assert.equal(explain(error).message, strings.localModalEnded(logPath));
    client.close();
    const next = await launcher.account();
    assert.notEqual(next.tokenSecret, account.tokenSecret);
    const nextClient = await connect(next);
    await nextClient.cpClient.appList({});
    nextClient.close();
  });
});
