import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalModalLauncher } from '../../../src/modal/local-modal.ts';
import { strings } from '../../../src/modal/strings.ts';
import { launcherFor } from '../../helpers/local-modal-launcher.ts';
import { type LocalFolder, localFolder, startScript } from './local-runs.ts';

/** The time within which a run must end after its server was killed. The SDK alone retries for ten seconds. */
const NOTICE_LIMIT_MS = 5_000;

describe('A run whose Local Modal ends', () => {
  let dataDir: string;
  let launcher: LocalModalLauncher;
  let folder: LocalFolder;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'ending-'));
    launcher = launcherFor(dataDir);
    folder = await localFolder(() => launcher.account());
  });
  after(async () => {
    const pid = await serverPid();
    await folder.dispose();
    launcher.dispose();
    process.kill(pid);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20 });
  });

  const serverPid = async (): Promise<number> => JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')).pid;

  it('says at once that the server has ended and where its log is, and the next run starts another server', async () => {
    const { run, text, shows } = await startScript(folder, 'echo ready; sleep 1000');
    await shows('ready');
    const killedAt = performance.now();
    process.kill(await serverPid(), 'SIGKILL');
    const { error } = await run.done;
    assert.equal(error, strings.localModalEnded(join(dataDir, 'server.log')));
    assert.ok(performance.now() - killedAt < NOTICE_LIMIT_MS, `after ${performance.now() - killedAt} ms`);
    assert.equal(text.progress.includes('Connection lost'), false);
    const next = await startScript(folder, 'echo fine');
    assert.equal((await next.run.done).exitCode, 0);
    assert.match(next.text.output, /fine/);
  });
});
