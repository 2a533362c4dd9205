import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { SandboxesApi, SandboxHandle } from '../../../src/api/api.ts';
import { strings } from '../../../src/views/snapshots/strings.ts';
import { activate, answering, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

const records = vscode.Uri.from({ scheme: 'modal-volume', path: '/vscode-snapshots' });
const decoder = new TextDecoder();

/** Returns the snapshot records, read from their volume. */
async function recorded(): Promise<
  { name: string; imageId: string; path?: string; folderName?: string; id: string }[]
> {
  const files = await vscode.workspace.fs.readDirectory(records).then(
    (found) => found,
    () => [],
  );
  const created = files.map(([name]) => name).filter((name) => name.includes('~created~'));
  return Promise.all(
    created.map(async (name) => {
      const text = decoder.decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(records, name)));
      return { ...JSON.parse(text), id: name.split('~')[0] };
    }),
  );
}

/** Returns the snapshot that isn't of a directory. */
const ofFileSystem = async () => (await recorded()).find(({ path }) => path === undefined);

describe('Snapshot commands', () => {
  let api: SandboxesApi;
  let id: string;
  let sandbox: SandboxHandle;
  before(async () => {
    api = await activate();
    const uri = await writeWorkspaceFile(
      'snapshot.sh',
      'echo kept > /kept; mkdir -p /models; echo w > /models/w; echo "$MODAL_SANDBOX_ID"',
    );
    id = /^sb-\S+$/m.exec((await runFile(uri)).text)?.[0] ?? '';
    sandbox = await api.sandboxes.connect(id);
  });
  const row = () => ({ id, state: 'running', tags: {} });
  const act = (command: string, on: object, answers: Parameters<typeof answering>[0] = {}) =>
    answering({ showQuickPick: 'first', ...answers }, async () => vscode.commands.executeCommand(command, on));
  /** Runs an action that starts a sandbox. It must show only the message that the sandbox is running. */
  const started = async (action: () => Promise<{ messages: string[] }>) => {
    const { messages } = await action();
    assert.deepEqual(
      messages.filter((message) => !/is running\.$/.test(message)),
      [],
    );
  };

  it('takes a named snapshot of a sandbox, and records its folder', async () => {
    const { messages } = await act('modal.createSnapshot', row(), { showInputBox: 'first “one” 🚀' });
    assert.deepEqual(messages, [strings.newSnapshot()]);
    const first = await ofFileSystem();
    assert.equal(first?.name, 'first “one” 🚀');
    assert.equal(first?.folderName, 'hello');
    const again = await api.sandboxes.resume(first?.imageId ?? '');
    assert.equal((await again.commands.run('cat /kept')).stdout, 'kept\n');
    await again.kill();
  });

  it('takes a snapshot of a directory', async () => {
    await act('modal.createDirectorySnapshot', row(), { showInputBox: '/models' });
    const found = (await recorded()).find(({ path }) => path === '/models');
    assert.ok(found, 'the answer to the input box is used as the path and the name');
  });

  it('restores a snapshot to a new sandbox, and keeps the first one running', async () => {
    const first = await ofFileSystem();
    assert.ok(first);
    const snapshot = { ...first, kind: 'filesystem', state: 'ready', createdAt: 0, expiresAt: null };
    await started(() => act('modal.restoreSnapshot', snapshot));
    assert.equal((await sandbox.commands.run('cat /kept')).stdout, 'kept\n');
  });

  it("explains that an expired snapshot can't be restored", async () => {
    const gone = { id: 'x', name: 'old', imageId: 'im-x', state: 'expired', createdAt: 0, expiresAt: 1 };
    const { messages } = await act('modal.restoreSnapshot', gone);
    assert.match(messages[0] ?? '', /^Snapshot “old” has expired\./);
  });

  it('reports in one message that a snapshot expired while it was being restored', async () => {
    const gone = {
      id: 'x',
      name: 'old',
      imageId: 'im-0123456789012345678901',
      state: 'ready',
      createdAt: 0,
      expiresAt: null,
    };
    const { messages } = await act('modal.restoreSnapshot', gone);
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /im-0123456789012345678901/);
  });

  it('changes the name and the lifetime of a snapshot under the same ID', async () => {
    const first = await ofFileSystem();
    assert.ok(first);
    const snapshot = { ...first, kind: 'filesystem', state: 'ready', createdAt: 0, expiresAt: null };
    const changes = async (kind: string) => {
      const names = (await vscode.workspace.fs.readDirectory(records)).map(([name]) => name);
      const found = names.filter((name) => name.startsWith(`${first.id}~${kind}~`));
      const texts = found.map((name) => vscode.workspace.fs.readFile(vscode.Uri.joinPath(records, name)));
      return (await Promise.all(texts)).map((bytes) => JSON.parse(decoder.decode(bytes)));
    };
    await act('modal.renameSnapshot', snapshot, { showInputBox: 'another name' });
    assert.deepEqual(await changes('name'), [{ name: 'another name' }]);
    await act('modal.renameSnapshot', { ...snapshot, name: 'another name' }, { showInputBox: first.name });
    await act('modal.changeSnapshotLifetime', snapshot);
    const [change] = await changes('image');
    assert.notEqual(change.imageId, first.imageId);
    assert.ok(change.expiresAt > Date.now() + 29 * 86_400_000);
    await vscode.commands.executeCommand('modal.copySnapshotId', { ...snapshot, imageId: change.imageId });
    assert.equal(await vscode.env.clipboard.readText(), change.imageId);
    const again = await api.sandboxes.resume(change.imageId);
    assert.equal((await again.commands.run('cat /kept')).stdout, 'kept\n');
    await again.kill();
  });

  it('names what was created from a snapshot before it is deleted', async () => {
    const first = await ofFileSystem();
    const snapshot = { ...first, kind: 'filesystem', state: 'ready', createdAt: 0, expiresAt: null };
    const asked = await act('modal.deleteSnapshots', snapshot);
    assert.equal(
      asked.messages[0],
      [
        strings.deleteOne('first “one” 🚀'),
        strings.keepDependentsOfOne(strings.dependentSandbox('first “one” 🚀')),
        strings.usersOfOneFail(),
      ].join(' '),
    );
    assert.equal((await recorded()).length, 2, 'dismissing the confirmation deletes nothing');
    await act('modal.deleteSnapshots', snapshot, { showWarningMessage: strings.delete() });
    assert.deepEqual(
      (await recorded()).map(({ path }) => path),
      ['/models'],
    );
  });

  it('forks a sandbox to a second one with the same files, and keeps the first one running', async () => {
    await started(() => act('modal.forkSandbox', { ...row(), name: 'box' }));
    assert.equal((await sandbox.commands.run('cat /kept')).stdout, 'kept\n');
  });
});
