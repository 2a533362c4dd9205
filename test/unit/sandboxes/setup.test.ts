import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { strings } from '../../../src/base/strings.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import { SyncEngine } from '../../../src/sync/engine.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

describe('setUp', () => {
  let server: RunningLocalModal;
  let path: string;
  let opened: Sessions[];

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'setup-'));
    await writeFile(join(path, 'deps.txt'), 'one\n');
    opened = [];
    await server.control.resetCalls();
  });
  afterEach(async () => {
    await Promise.all(opened.map((sessions) => sessions.dispose()));
    await rm(path, { recursive: true });
  });

  const folder = () => ({ name: 'setup', path });

  function sessions(setup: object): Sessions {
    const made = sessionsOf(
      starterOf(() => accountOf(server)),
      { image: 'python:3.13-slim', hostVolume: false, env: { WHO: 'me' }, setup },
    );
    opened.push(made);
    return made;
  }

  async function read(sandbox: Sandbox, script: string): Promise<string> {
    return (await sandbox.exec(['sh', '-c', script])).stdout.readText();
  }

  const SETUP = { commands: ['cp deps.txt /opt/installed', 'echo $WHO >> /opt/installed'], files: ['deps.txt'] };

  it('runs the setup once, and starts every sandbox with its result', async () => {
    const { sandbox } = await sessions(SETUP).acquire(folder());
    assert.equal(await read(sandbox, 'cat /opt/installed'), 'one\nme\n');
    const { calls } = server.control;
    const before = await calls();
    const { sandbox: other } = await sessions(SETUP).acquire(folder());
    assert.equal(await read(other, 'cat /opt/installed'), 'one\nme\n');
    const after = await calls();
    assert.equal((after.SandboxCreateV2 ?? 0) - (before.SandboxCreateV2 ?? 0), 1, 'no second sandbox for the setup');
    assert.equal((await server.control.running()).sandboxes.length, 2);
  });

  it('runs the setup again when one of its files has changed, but not for other files', async () => {
    const created = async () => (await server.control.calls()).SandboxCreateV2 ?? 0;
    await sessions(SETUP).acquire(folder());
    await writeFile(join(path, 'other.txt'), 'x');
    const before = await created();
    await sessions(SETUP).acquire(folder());
    assert.equal((await created()) - before, 1);
    await writeFile(join(path, 'deps.txt'), 'two\n');
    const { sandbox } = await sessions(SETUP).acquire(folder());
    assert.equal((await created()) - before, 3);
    assert.equal(await read(sandbox, 'cat /opt/installed'), 'two\nme\n');
  });

  it('runs the setup once for two windows at the same time', async () => {
    const setup = { commands: ['sleep 0.5; echo once >> /opt/once'] };
    await Promise.all([sessions(setup).acquire(folder()), sessions(setup).acquire(folder())]);
    assert.equal((await server.control.calls()).TaskSnapshotFilesystem, 1);
  });

  it('reports the command that failed with its output, and leaves no sandbox', async () => {
    await assert.rejects(
      sessions({ commands: ['echo no such package; exit 4'] }).acquire(folder()),
      /setup command “echo no such package; exit 4” failed with exit code 4: no such package\. Fix it/,
    );
    assert.deepEqual((await server.control.running()).sandboxes, []);
    await assert.rejects(
      sessions({ commands: ['true'], files: ['none'] }).acquire(folder()),
      /setup file “none” can't be read/,
    );
  });

  it('refuses a setup file that a link leads out of the folder, and starts nothing', async () => {
    await mkdir(join(path, 'folder'));
    await symlink('../deps.txt', join(path, 'folder/linked.txt'));
    const acquiring = sessions({ commands: ['true'], files: ['linked.txt'] }).acquire({
      name: 'folder',
      path: join(path, 'folder'),
    });
    await assert.rejects(acquiring, { name: 'UserError', message: strings.leadsOutside('linked.txt') });
    assert.equal((await server.control.calls()).SandboxCreateV2 ?? 0, 0);
  });

  it('keeps files that the setup created in the workspace through the first sync', async () => {
    const setup = { commands: ['mkdir node_modules && echo built > node_modules/x'], files: ['deps.txt'] };
    await writeFile(join(path, '.gitignore'), 'node_modules\n');
    const { sandbox } = await sessions(setup).acquire(folder());
    const storageDir = await mkdtemp(join(tmpdir(), 'setup-storage-'));
    const engine = new SyncEngine({ root: path, storageDir, rules: {} });
    try {
      await engine.push(sandbox, { fresh: true, ask: () => true });
      assert.equal(
        await read(sandbox, 'cd /workspace && cat node_modules/x deps.txt && ls -A'),
        'built\none\n.gitignore\n.modal-sync\ndeps.txt\nnode_modules\n',
      );
    } finally {
      await engine.dispose();
      await rm(storageDir, { recursive: true });
    }
  });
});
