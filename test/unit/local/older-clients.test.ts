import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

/** An independent client, on SDK 0.7.6. Kept between runs. */
const CLIENT = '@computesdk/modal';
const VERSION = '1.9.4';
const FOLDER = path.resolve('.vscode-test', `computesdk-modal-${VERSION}`);

/** The calls of the client that are made here. */
interface Provider {
  sandbox: {
    create(options?: object): Promise<RemoteSandbox>;
    getById(id: string): Promise<RemoteSandbox | null>;
    destroy(id: string): Promise<void>;
  };
  snapshot: { create(id: string): Promise<{ id: string; provider: string }> };
}
interface RemoteSandbox {
  readonly sandboxId: string;
  readonly provider: string;
  runCommand(command: string, options?: object): Promise<{ stdout: string; stderr: string; exitCode: number }>;
  getInfo(): Promise<{ id: string; provider: string; status: string }>;
  getUrl(options: { port: number }): Promise<string>;
  getInstance(): { sandbox: OldSandbox };
  readonly filesystem: {
    readFile(path: string): Promise<string>;
    writeFile(path: string, content: string): Promise<void>;
    mkdir(path: string): Promise<void>;
    readdir(path: string): Promise<{ name: string; type: string; size: number }[]>;
    exists(path: string): Promise<boolean>;
    remove(path: string): Promise<void>;
  };
}
interface OldFile {
  read(): Promise<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
interface OldSandbox {
  open(path: string, mode?: string): Promise<OldFile>;
}

async function install(): Promise<string> {
  if (!existsSync(FOLDER)) {
    // Renamed when it's complete, so an interrupted installation doesn't stay.
    const partial = `${FOLDER}.${process.pid}`;
    await mkdir(partial, { recursive: true });
    // Most of it is in npm's cache, since the project uses the same packages.
    const flags = ['--prefer-offline', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', partial];
    await promisify(execFile)('npm', ['install', ...flags, `${CLIENT}@${VERSION}`]);
    await rename(partial, FOLDER);
  }
  return createRequire(path.join(FOLDER, 'index.js')).resolve(CLIENT);
}

describe(`A client on SDK 0.7.6 (${CLIENT})`, function () {
  this.timeout(300_000);
  let bench: Workbench;
  let provider: Provider;
  let sandbox: RemoteSandbox;
  let old: OldSandbox;
  const before_ = process.env.MODAL_SERVER_URL;

  before(async () => {
    const [entry, started] = await Promise.all([install(), startWorkbench()]);
    bench = started;
    process.env.MODAL_SERVER_URL = bench.server.url;
    const { modal } = (await import(pathToFileURL(entry).href)) as { modal(config: object): Provider };
    const { tokenId, tokenSecret } = bench.server;
    provider = modal({ tokenId, tokenSecret });
    sandbox = await provider.sandbox.create({ ports: [8000] });
    old = sandbox.getInstance().sandbox;
  });
  after(async () => {
    if (before_ === undefined) delete process.env.MODAL_SERVER_URL;
    else process.env.MODAL_SERVER_URL = before_;
    await bench.server.stop();
  });

  it('creates and finds a sandbox, and describes it', async () => {
    assert.match(sandbox.sandboxId, /^sb-/);
    assert.equal(sandbox.provider, 'modal');
    const { id, provider: name, status } = await sandbox.getInfo();
    assert.deepEqual([id, name, status], [sandbox.sandboxId, 'modal', 'running']);
    assert.equal((await provider.sandbox.getById(sandbox.sandboxId))?.sandboxId, sandbox.sandboxId);
  });

  it('runs commands with folders, variables, and exit codes', async () => {
    const { stdout, stderr, exitCode } = await sandbox.runCommand('pwd; echo "$A"; echo oops >&2; exit 3', {
      cwd: '/tmp',
      env: { A: 'b c' },
    });
    assert.deepEqual([stdout.split('\n')[0], stderr, exitCode], ['/tmp', 'oops\n', 3]);
  });

  it('writes, reads, lists, and removes files', async () => {
    const { filesystem } = sandbox;
    await filesystem.mkdir('/files/sub');
    await filesystem.writeFile('/files/a.txt', 'höllo\nworld\n');
    assert.equal(await filesystem.readFile('/files/a.txt'), 'höllo\nworld\n');
    const entries = (await filesystem.readdir('/files')).filter(({ name }) => !name.startsWith('.'));
    assert.deepEqual(
      entries.map(({ name, type }) => [name, type]),
      [
        ['a.txt', 'file'],
        ['sub', 'directory'],
      ],
    );
    assert.equal(await filesystem.exists('/files/a.txt'), true);
    await filesystem.remove('/files/a.txt');
    assert.equal(await filesystem.exists('/files/a.txt'), false);
    await assert.rejects(
      filesystem.readFile('/files/a.txt'),
      /Failed to read file \/files\/a\.txt: No such file or directory/,
    );
  });

  it('opens files in the modes of Python', async () => {
    const text = (words: string) => new TextEncoder().encode(words);
    const write = async (mode: string, words: string) => {
      const file = await old.open('/modes', mode);
      await file.write(text(words));
      await file.flush();
      await file.close();
      return bench.shell(await bench.modal.sandboxes.fromId(sandbox.sandboxId), 'cat /modes');
    };
    assert.equal(await write('w', 'one two'), 'one two');
    assert.equal(await write('ab', ' three'), 'one two three');
    assert.equal(await write('r+', 'ONE'), 'ONE two three');
    await assert.rejects(old.open('/modes', 'x'), /File exists/);
    assert.equal(await write('w', 'new'), 'new');
    await assert.rejects(old.open('/tmp', 'r'), /Is a directory/);
    await assert.rejects(old.open('/modes', 'q'), /Invalid argument/);
    const file = await old.open('/modes');
    assert.equal(new TextDecoder().decode(await file.read()), 'new');
    assert.equal((await file.read()).length, 0);
    await assert.rejects(file.write(text('x')), /Bad file descriptor/);
    await file.close();
    await assert.rejects(file.read(), /Bad file descriptor/);
  });

  it('reads and writes large files whole', async () => {
    const content = Buffer.alloc(5_000_001, 'abc');
    const file = await old.open('/large', 'w+');
    await file.write(content);
    await file.close();
    assert.ok(content.equals(await (await old.open('/large')).read()));
  });

  it("doesn't lead out of the sandbox through links", async () => {
    await sandbox.runCommand('ln -s /proc/1/root/etc/hostname /etc/leads-out');
    await sandbox.runCommand('ln -s ../../../../../../etc/hostname /leads-up');
    await sandbox.filesystem.writeFile('/etc/hostname', 'inside');
    for (const link of ['/leads-up', '/etc/leads-out']) {
      const file = await old.open(link);
      assert.equal(new TextDecoder().decode(await file.read()), 'inside', link);
    }
  });

  it("fails with its own message for a port that isn't exposed", async () => {
    await assert.rejects(
      sandbox.getUrl({ port: 9999 }),
      /Failed to get Modal tunnel URL for port 9999: No tunnel found for port 9999\. Available ports: 8000/,
    );
    assert.match(await sandbox.getUrl({ port: 8000 }), /^https?:\/\/127\.0\.0\.1/);
  });

  it('takes a snapshot, starts a sandbox from it, and destroys both', async () => {
    await sandbox.filesystem.writeFile('/kept', 'kept');
    const snapshot = await provider.snapshot.create(sandbox.sandboxId);
    assert.match(snapshot.id, /^im-/);
    const restored = await provider.sandbox.create({ snapshotId: snapshot.id });
    assert.equal(await restored.filesystem.readFile('/kept'), 'kept');
    for (const { sandboxId } of [sandbox, restored]) {
      await provider.sandbox.destroy(sandboxId);
      assert.notEqual(await (await bench.modal.sandboxes.fromId(sandboxId)).poll(), null);
    }
    await assert.rejects(old.open('/kept'), /not running|not found/);
  });
});
