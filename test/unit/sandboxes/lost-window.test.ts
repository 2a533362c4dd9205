import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from 'modal';
import { SyncEngine } from '../../../src/sync/engine.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('A window that is killed', function () {
  this.timeout(60_000);
  let workbench: Workbench;
  let parent: string;
  let folder: string;
  let window: ChildProcess;

  beforeEach(async () => {
    workbench = await startWorkbench();
    parent = await mkdtemp(join(tmpdir(), 'lost-window-'));
    folder = join(parent, 'folder');
    await mkdir(folder);
  });
  afterEach(async () => {
    window.kill('SIGKILL');
    await workbench.server.stop();
    await rm(parent, { recursive: true });
  });

  function start(...args: string[]): void {
    const program = fileURLToPath(new URL('./window-to-kill.ts', import.meta.url));
    window = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  }

  /** The sandbox's commands that a person's window started. */
  async function commands(): Promise<(readonly string[])[]> {
    const { sandboxes } = await workbench.server.control.running();
    return sandboxes.flatMap(({ execs }) => execs.map(({ argv }) => argv));
  }

  async function killWindow(): Promise<void> {
    const ended = once(window, 'exit');
    window.kill('SIGKILL');
    await ended;
    assert.equal((await commands()).length, 1, 'the command outlives its window');
  }

  /** Lets minutes pass within about a second. */
  async function hurry(sandbox: Sandbox): Promise<void> {
    await workbench.shell(
      sandbox,
      `cp "$(command -v sleep)" /real-sleep && printf '#!/bin/sh\nexec /real-sleep 0.02\n' > /sleep &&
      chmod +x /sleep && mv -f /sleep "$(command -v sleep)"`,
    );
  }

  const noCommands = () =>
    waitFor('no command', 20_000, commands, (all) => all.filter((argv) => !argv.includes('ls')).length === 0);

  it('in the middle of a push leaves a sandbox that becomes idle, and that the next push can use', async () => {
    const { modal, app, image, server } = workbench;
    const sandbox = await modal.sandboxes.create(app, image, { timeoutMs: 600_000 });
    await writeFile(join(folder, 'a.txt'), 'a');
    await writeFile(join(folder, 'large.bin'), '');
    await truncate(join(folder, 'large.bin'), 3_000_000_000);
    start('push', server.url, folder, sandbox.sandboxId);
    await waitFor(
      'the push to send the large file',
      30_000,
      () => workbench.shell(sandbox, 'ls -d /workspace.part-*/.modal-sync/in.*/t/large.bin 2>/dev/null || true'),
      (found) => found !== '',
    );
    await killWindow();
    await hurry(sandbox);
    await noCommands();
    await rm(join(folder, 'large.bin'));
    const engine = new SyncEngine({ root: folder, storageDir: join(parent, 'storage'), ask: () => true });
    assert.equal((await engine.push(sandbox)).files, 1);
    assert.equal(await workbench.shell(sandbox, 'cat /workspace/a.txt; ls -d /workspace*'), 'a/workspace\n');
    await engine.dispose();
  });

  it('in the middle of a setup leaves a sandbox that becomes idle', async () => {
    const { modal, server } = workbench;
    start('setup', server.url, folder);
    const isSetup = (argv: readonly string[]) => argv.some((part) => part.includes('echo started'));
    await waitFor('the setup', 30_000, commands, (all) => all.some(isSetup));
    await killWindow();
    const [running] = (await server.control.running()).sandboxes;
    assert.ok(running);
    await hurry(await modal.sandboxes.fromId(running.id));
    await noCommands();
  });
});
