import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SandboxHandle } from '../../../src/api/api.ts';
import { strings } from '../../../src/providers/files/strings.ts';
import {
  activate,
  answering,
  choosingPath,
  eventually,
  runFile,
  waitForDiff,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

const { fs } = vscode.workspace;
const bytes = (text: string) => new TextEncoder().encode(text);
const fails = (work: Thenable<unknown>, code: string) =>
  assert.rejects(Promise.resolve(work), (error: unknown) =>
    error instanceof vscode.FileSystemError && error.code === code ? true : assert.fail(String(error)),
  );
describe('Sandbox files in the editor', () => {
  let id: string;
  let sandbox: SandboxHandle;
  let local: vscode.Uri;
  const uri = (path: string) => vscode.Uri.from({ scheme: 'modal-sandbox', path: `/${id}${path}` });
  const text = async (path: string) => new TextDecoder().decode(await fs.readFile(uri(path)));
  const write = (path: string, content: string) => fs.writeFile(uri(path), bytes(content));

  before(async () => {
    const api = await activate();
    local = await writeWorkspaceFile('who.sh', 'echo "$MODAL_SANDBOX_ID"\n');
    id = /^sb-\S+$/m.exec((await runFile(local)).text)?.[0] ?? '';
    assert.ok(id);
    sandbox = await api.sandboxes.connect(id);
  });

  it('reports sizes, times, types, and permissions of sandbox files', async () => {
    await sandbox.commands.run(
      'mkdir /kinds && cd /kinds && printf 12345 > file && chmod 444 file && ln -s file link && mkdir below',
    );
    const { size, type, mtime, permissions } = await fs.stat(uri('/kinds/file'));
    assert.deepEqual([size, type, permissions], [5, vscode.FileType.File, vscode.FilePermission.Readonly]);
    assert.ok(Math.abs(Date.now() - mtime) < 60_000);
    const { File, Directory, SymbolicLink } = vscode.FileType;
    assert.deepEqual(await fs.readDirectory(uri('/kinds')), [
      ['below', Directory],
      ['file', File],
      ['link', File | SymbolicLink],
    ]);
  });

  it('opens, edits, and saves a sandbox file, and programs see the change', async () => {
    const document = await vscode.workspace.openTextDocument(uri('/workspace/who.sh'));
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# edited there\n'));
    assert.equal(await document.save(), true);
    const { stdout } = await sandbox.commands.run(['head', '-1', '/workspace/who.sh']);
    assert.equal(stdout, '# edited there\n');
  });

  it('renames, copies, and deletes sandbox files', async () => {
    await write('/tmp/one/a.txt', 'a');
    await fs.copy(uri('/tmp/one'), uri('/tmp/two'));
    await fs.rename(uri('/tmp/one'), uri('/tmp/three'));
    assert.deepEqual([await text('/tmp/two/a.txt'), await text('/tmp/three/a.txt')], ['a', 'a']);
    await fails(fs.rename(uri('/tmp/two'), uri('/tmp/three')), 'FileExists');
    await fs.rename(uri('/tmp/two'), uri('/tmp/three'), { overwrite: true });
    await fs.delete(uri('/tmp/three'), { recursive: true });
    await fails(fs.stat(uri('/tmp/three')), 'FileNotFound');
    await fails(fs.readFile(uri('/tmp')), 'FileIsADirectory');
  });

  it('compares a sandbox file with the local one, from either side', async () => {
    const compared = async (command: string, from: vscode.Uri) => {
      const { messages } = await answering({}, async () => vscode.commands.executeCommand(command, from));
      assert.deepEqual(messages, []);
      await waitForDiff(uri('/workspace/who.sh'), local);
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    };
    await compared('modal.compareWithLocal', uri('/workspace/who.sh'));
    await compared('modal.compareWithSandbox', local);
    const { messages } = await answering({}, async () =>
      vscode.commands.executeCommand('modal.compareWithLocal', uri('/etc/passwd')),
    );
    assert.deepEqual(messages, [strings.noLocalFile('/etc/passwd')]);
  });

  it('downloads sandbox files of any size unchanged', async () => {
    await sandbox.commands.run(
      'mkdir /large && head -c 300000000 /dev/zero > /large/zeros && echo small > "/large/s m"',
    );
    const into = mkdtempSync(join(tmpdir(), 'download-'));
    try {
      await choosingPath(into, async () => vscode.commands.executeCommand('modal.downloadRemoteFile', uri('/large')));
      assert.equal(readFileSync(join(into, 'large', 's m'), 'utf8'), 'small\n');
      assert.equal(readFileSync(join(into, 'large', 'zeros')).length, 300_000_000);
    } finally {
      rmSync(into, { recursive: true });
    }
  });

  describe('as a workspace folder', () => {
    const folders = () => (vscode.workspace.workspaceFolders ?? []).map(({ name }) => name);

    let ownTasks: string[];

    before(async () => {
      ownTasks = (await vscode.tasks.fetchTasks()).map(({ name }) => name);
      await sandbox.files.writeBatch(
        Object.entries({
          '.vscode/tasks.json': { version: '2.0.0', tasks: [{ label: 'theirs', type: 'shell', command: 'true' }] },
          '.vscode/settings.json': { 'editor.tabSize': 7 },
          '.vscode/launch.json': { version: '0.2.0', configurations: [{ name: 'x', type: 'node', request: 'launch' }] },
          '.github/hooks/x.json': {},
          'AGENTS.md': {},
          'x.code-workspace': { folders: [] },
        }).map(([path, content]) => ({ path: `/workspace/${path}`, data: JSON.stringify(content) })),
      );
    });

    it('adds the sandbox to the workspace once, and shows changes that programs make', async () => {
      const row = { id, tags: { 'vscode-folder-name': 'box' } };
      await vscode.commands.executeCommand('modal.openInExplorer', row);
      await eventually('the folder', folders, (names) => names[1] === 'box (sandbox)');
      const root = vscode.workspace.workspaceFolders?.[1]?.uri;
      assert.equal(root?.toString(), uri('/workspace').toString());
      await vscode.commands.executeCommand('modal.openInExplorer', row);
      assert.equal(folders().length, 2, 'the folder is added once');

      const document = await vscode.workspace.openTextDocument(uri('/workspace/who.sh'));
      await eventually(
        'the change in the editor',
        async () => {
          await sandbox.commands.run('echo "# changed by a program" >> /workspace/who.sh');
          return document.getText();
        },
        (shown) => shown.includes('# changed by a program'),
      );
    });

    it('reports files that programs create and delete to file watchers', async () => {
      const watcher = vscode.workspace.createFileSystemWatcher(
        new vscode.RelativePattern(uri('/workspace'), 'told.txt'),
      );
      const told: string[] = [];
      watcher.onDidCreate(() => told.push('created'));
      watcher.onDidChange(() => told.push('changed'));
      watcher.onDidDelete(() => told.push('deleted'));
      await sandbox.commands.run('touch /workspace/told.txt');
      await eventually(
        'the new file',
        () => told.join(),
        (all) => all === 'created',
      );
      await sandbox.commands.run('rm /workspace/told.txt');
      await eventually(
        'the deleted file',
        () => told.join(),
        (all) => all === 'created,deleted',
      );
      watcher.dispose();
    });

    it("brings no settings, tasks, launch configurations, or recommendations of the sandbox's into the window", async () => {
      assert.deepEqual(
        (await vscode.tasks.fetchTasks()).map(({ name }) => name),
        ownTasks,
      );
      const root = uri('/workspace');
      const settingsOf = (section: string) => vscode.workspace.getConfiguration(section, root);
      assert.equal(settingsOf('editor').inspect('tabSize')?.workspaceFolderValue, undefined);
      assert.deepEqual(settingsOf('launch').inspect('configurations')?.workspaceFolderValue, undefined);
    });

    it('shows such files under other names, to open and edit', async () => {
      const names = (await fs.readDirectory(uri('/workspace'))).map(([name]) => name);
      for (const name of ['.vscode', '.github', 'AGENTS.md', 'x.code-workspace']) {
        assert.ok(names.includes(`${name}.inactive`), name);
        assert.ok(!names.includes(name), name);
      }
      assert.match(await text('/workspace/.vscode.inactive/tasks.json'), /theirs/);
      await write('/workspace/.vscode.inactive/settings.json', '{ "editor.tabSize": 9 }');
      const { stdout } = await sandbox.commands.run(['cat', '/workspace/.vscode/settings.json']);
      assert.equal(stdout, '{ "editor.tabSize": 9 }');
    });

    it('creates no files that VS Code would act on, and says which name to use', async () => {
      await fails(fs.stat(uri('/workspace/.vscode')), 'FileNotFound');
      await fails(fs.readFile(uri('/workspace/.vscode/tasks.json')), 'FileNotFound');
      await write('/workspace/plain.json', '{}');
      const message = strings.inactiveName('.vscode', '.vscode.inactive');
      const refused = (work: Thenable<unknown>) =>
        assert.rejects(Promise.resolve(work), (error: vscode.FileSystemError) => {
          assert.equal(error.code, 'NoPermissions');
          assert.ok(error.message.includes(message), error.message);
          return true;
        });
      await refused(write('/workspace/.vscode/mcp.json', '{}'));
      await refused(fs.createDirectory(uri('/workspace/below/.vscode')));
      await refused(fs.rename(uri('/workspace/plain.json'), uri('/workspace/.vscode')));
      await refused(fs.copy(uri('/workspace/plain.json'), uri('/workspace/.vscode')));
      await fs.rename(uri('/workspace/plain.json'), uri('/workspace/more.code-workspace.inactive'));
      const { stdout } = await sandbox.commands.run('ls /workspace/more.*');
      assert.equal(stdout, '/workspace/more.code-workspace\n');
    });

    it('offers to remove the folder when its sandbox has stopped', async () => {
      const { messages } = await answering({ showWarningMessage: strings.removeFolder() }, async () => {
        await sandbox.kill();
        await assert.rejects(Promise.resolve(fs.readDirectory(uri('/workspace'))), (error: vscode.FileSystemError) => {
          assert.equal(error.code, 'Unavailable');
          assert.match(error.message, /The sandbox stopped, and its files are gone\./);
          return true;
        });
        await eventually('the folder to go', folders, ({ length }) => length === 1);
      });
      assert.deepEqual(messages, [strings.sandboxGone(strings.folderName('box'))]);
    });
  });
});
