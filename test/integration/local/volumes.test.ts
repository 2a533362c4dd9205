import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import * as vscode from 'vscode';
import { strings as permissionStrings } from '../../../src/providers/permissions/strings.ts';
import { strings as permissionTexts } from '../../../src/sandboxes/permissions/strings.ts';
import { strings } from '../../../src/views/volumes/strings.ts';
import {
  activate,
  answering,
  choosingPath,
  eventually,
  runFile,
  waitForActiveDocument,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

const { fs } = vscode.workspace;
const uri = (path: string) => vscode.Uri.from({ scheme: 'modal-volume', path: `/data${path}` });
const text = async (path: string) => new TextDecoder().decode(await fs.readFile(uri(path)));
const write = (path: string, content: string) => fs.writeFile(uri(path), new TextEncoder().encode(content));
const fails = (work: Thenable<unknown>, code: string) =>
  assert.rejects(Promise.resolve(work), (error: unknown) =>
    error instanceof vscode.FileSystemError && error.code === code ? true : assert.fail(String(error)),
  );

describe('Volume files in the editor', () => {
  before(async () => {
    await activate();
    await answering({ showInputBox: 'data' }, async () => vscode.commands.executeCommand('modal.createVolume'));
  });

  it('reports sizes, times, and types of volume files', async () => {
    await write('/folder/a.txt', 'hello');
    const { size, type, mtime } = await fs.stat(uri('/folder/a.txt'));
    assert.deepEqual([size, type], [5, vscode.FileType.File]);
    assert.ok(Math.abs(Date.now() - mtime) < 60_000);
    assert.equal((await fs.stat(uri('/folder'))).type, vscode.FileType.Directory);
    assert.deepEqual(await fs.readDirectory(uri('/folder')), [['a.txt', vscode.FileType.File]]);
  });

  it('opens, edits, and saves a volume file', async () => {
    await write('/edit.txt', 'before');
    const document = await vscode.workspace.openTextDocument(uri('/edit.txt'));
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 6), ' and after'));
    assert.equal(await document.save(), true);
    assert.equal(await text('/edit.txt'), 'before and after');
  });

  it('renames, copies, and deletes files and folders in a volume', async () => {
    await write('/one/a.txt', 'a');
    await fs.copy(uri('/one'), uri('/two'));
    await fs.rename(uri('/one'), uri('/three'));
    assert.deepEqual([await text('/two/a.txt'), await text('/three/a.txt')], ['a', 'a']);
    await fs.delete(uri('/two'), { recursive: true });
    await fails(fs.stat(uri('/two')), 'FileNotFound');
    await fs.createDirectory(uri('/made'));
    assert.deepEqual(await fs.readDirectory(uri('/made')), []);
  });

  it('reports changes to volume files to file watchers', async () => {
    const changes: string[] = [];
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(uri('/'), '**'));
    watcher.onDidCreate(({ path }) => changes.push(`created ${path}`));
    watcher.onDidChange(({ path }) => changes.push(`changed ${path}`));
    watcher.onDidDelete(({ path }) => changes.push(`deleted ${path}`));
    await write('/told.txt', '1');
    await write('/told.txt', '2');
    await fs.delete(uri('/told.txt'));
    await eventually(
      'the event of the deletion',
      () => changes,
      (told) => told.includes('deleted /data/told.txt'),
    );
    watcher.dispose();
  });

  it("fails with VS Code's file system errors", async () => {
    await write('/there.txt', 'x');
    await fails(fs.readFile(uri('/not there')), 'FileNotFound');
    await fails(fs.readFile(uri('/folder')), 'FileIsADirectory');
    await fails(fs.readDirectory(uri('/there.txt')), 'FileNotADirectory');
    await fails(fs.rename(uri('/there.txt'), uri('/edit.txt')), 'FileExists');
    await fails(fs.readFile(vscode.Uri.from({ scheme: 'modal-volume', path: '/no-such-volume/x' })), 'Unavailable');
  });

  it('supports volume files whose names have spaces, quotes, emoji, and newlines', async () => {
    for (const name of ['two words', 'it’s "quoted"', '🚀', 'two\nlines']) {
      await write(`/names/${name}`, name);
      assert.equal(await text(`/names/${name}`), name);
    }
  });

  it('refuses to open a volume file that is too large, and suggests downloading it', async () => {
    await fs.writeFile(uri('/large.bin'), new Uint8Array(257 * 1024 * 1024));
    await assert.rejects(Promise.resolve(fs.readFile(uri('/large.bin'))), (error: Error) => {
      assert.match(error.message, /too large to be read at once \(limit: 256 MiB\)\. Download it instead/);
      return true;
    });
    await fs.delete(uri('/large.bin'));
  });
});

describe('A row of the Volumes view', () => {
  const volume = { id: 'vo-x', name: 'data', version: 2, createdAt: new Date() };
  const entry = (path: string, type = 'file') => ({
    kind: 'entry',
    volume,
    entry: { path, name: posix.basename(path), type, bytes: 0, modifiedMs: 0 },
  });
  const act = (command: string, row: object, answers: Parameters<typeof answering>[0] = {}) =>
    answering(answers, async () => vscode.commands.executeCommand(command, row));
  const names = async (path: string) => (await fs.readDirectory(uri(path))).map(([name]) => name).sort();

  before(() => write('/row/a.txt', 'a'));

  it('copies and renames a volume file to another path, but never over an existing one', async () => {
    await act('modal.copyInVolume', entry('/row/a.txt'), { showInputBox: '/row/b.txt' });
    await act('modal.renameInVolumes', entry('/row/b.txt'), { showInputBox: '/row/below/c.txt' });
    assert.deepEqual([await names('/row'), await text('/row/below/c.txt')], [['a.txt', 'below'], 'a']);
    const { messages } = await act('modal.copyInVolume', entry('/row/a.txt'), { showInputBox: '/row/below/c.txt' });
    assert.equal(messages.at(-1), strings.pathExists('/row/below/c.txt'));
  });

  it('creates and opens a new file in a volume, and creates new folders', async () => {
    await act('modal.newFileInVolume', entry('/row', 'directory'), { showInputBox: '/row/new.txt' });
    await waitForActiveDocument('the new file', (document) => `${document.uri}` === `${uri('/row/new.txt')}`);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await act('modal.newFolderInVolume', entry('/row', 'directory'), { showInputBox: '/row/empty' });
    assert.deepEqual(await names('/row/empty'), []);
  });

  it('uploads a local folder to a volume, and downloads it unchanged', async () => {
    const local = mkdtempSync(join(tmpdir(), 'volume-'));
    try {
      mkdirSync(join(local, 'up', 'below'), { recursive: true });
      writeFileSync(join(local, 'up', 'below', 'f'), 'sent');
      await choosingPath(join(local, 'up'), () => act('modal.uploadToVolume', entry('/row', 'directory')));
      assert.equal(await text('/row/up/below/f'), 'sent');
      mkdirSync(join(local, 'down'));
      await choosingPath(join(local, 'down'), () => act('modal.downloadFromVolume', entry('/row/up', 'directory')));
      assert.equal(readFileSync(join(local, 'down', 'up', 'below', 'f'), 'utf8'), 'sent');
    } finally {
      rmSync(local, { recursive: true });
    }
  });

  it('deletes a folder and its contents from a volume after a confirmation', async () => {
    await act('modal.deleteFromVolumes', entry('/row', 'directory'));
    assert.ok((await names('/row')).includes('a.txt'), 'dismissing the confirmation deletes nothing');
    await act('modal.deleteFromVolumes', entry('/row', 'directory'), { showWarningMessage: strings.delete() });
    await fails(fs.stat(uri('/row')), 'FileNotFound');
  });
});

describe('A volume', () => {
  it('reveals a volume in the Volumes view, or reports that it no longer exists', async () => {
    await vscode.commands.executeCommand('workbench.view.explorer');
    const show = (volume: string) =>
      answering({}, async () => vscode.commands.executeCommand('modal.showVolume', { volume }));
    const { result, messages } = await show('data');
    assert.match(String(result), /^vo-/, messages.join());
    assert.deepEqual((await show('not there')).messages, [strings.volumeGone('not there')]);
  });

  it("mounts a volume in the folder's profile, and keeps the rest of the profile", async () => {
    const file = await writeWorkspaceFile(
      '.vscode/modal.json',
      '{\n  // kept\n  "profiles": { "default": { "image": "python:3.13-slim", "volumes": { "/mnt/a": "a" } } }\n}\n',
    );
    try {
      const { result, messages } = await answering({ showInputBox: '/mnt/data' }, async () =>
        vscode.commands.executeCommand('modal.mountInProfile', await row()),
      );
      assert.equal(result, '/mnt/data', messages.join());
      const edited = new TextDecoder().decode(await fs.readFile(file));
      assert.match(edited, /\/\/ kept/);
      assert.deepEqual(JSON.parse(edited.replace('// kept', '')).profiles.default.volumes, {
        '/mnt/a': 'a',
        '/mnt/data': 'data',
      });
      // A running sandbox keeps the volumes that it was started with.
      await answering({}, async () => vscode.commands.executeCommand('modal.replaceSandbox'));
      const script = await writeWorkspaceFile('mounted.sh', 'cat /mnt/data/edit.txt');
      const run = await answering({ showWarningMessage: permissionStrings.allow() }, () => runFile(script));
      assert.match(run.result.text, /^before and after/m);
      assert.ok(run.messages.includes(permissionTexts.question('default', 'hello')), 'asks about the volume “a”');
    } finally {
      await fs.delete(file);
    }
  });

  const row = async () => ({ kind: 'volume', volume: { id: 'vo-x', name: 'data', version: 2, createdAt: new Date() } });

  it('deletes a volume only if its name is typed', async () => {
    const remove = async () => vscode.commands.executeCommand('modal.deleteFromVolumes', await row());
    const { messages } = await answering({ showInputBox: 'dat' }, remove);
    assert.ok(messages.includes(strings.volumeNotDeleted('data')), messages.join());
    assert.equal(await text('/edit.txt'), 'before and after');
    await answering({ showInputBox: 'data' }, remove);
    await fails(fs.readFile(uri('/edit.txt')), 'FileNotFound');
  });
});
