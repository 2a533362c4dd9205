import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { SandboxesApi, SandboxHandle } from '../../../src/api/api.ts';
import { strings } from '../../../src/views/sandboxes/strings.ts';
import {
  activate,
  answering,
  closeTerminals,
  eventually,
  printed,
  runFile,
  waitForActiveDocument,
  waitForTerminals,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

/** The actions of a row of the Sandboxes view, invoked by command. `sandboxes.test.ts` tests terminating one. */
describe('A sandbox in the Sandboxes view', () => {
  let api: SandboxesApi;
  let id: string;
  let sandbox: SandboxHandle;
  const start = async () => {
    const { text } = await runFile(await writeWorkspaceFile('id.sh', 'echo "$MODAL_SANDBOX_ID"'));
    return /^sb-\S+$/m.exec(text)?.[0] ?? '';
  };
  const row = () => ({ id, state: 'running', tags: {} });
  const act = async (command: string, on: object = row()) => vscode.commands.executeCommand(command, on);

  before(async () => {
    api = await activate();
    id = await start();
    sandbox = await api.sandboxes.connect(id);
  });
  afterEach(closeTerminals);

  it('opens a terminal with a shell in that sandbox', async () => {
    await act('modal.openTerminal');
    const [terminal] = await waitForTerminals(`Modal ${id.slice(-6)}`, 1);
    const said = printed(`in ${id}`);
    terminal?.sendText('echo "in $MODAL_SANDBOX_ID"');
    await said;
  });

  it("renames the sandbox for all windows, and restores the folder's name if the name is empty", async () => {
    const rename = (name: string) => answering({ showInputBox: name }, () => act('modal.renameSandbox'));
    const label = async () => (await sandbox.getTags())['vscode-label'];
    await rename('  it’s “my” 🚀 box ');
    assert.equal(await label(), 'it’s “my” 🚀 box');
    await rename('');
    assert.equal(await label(), undefined);
  });

  it("copies the sandbox's ID and the URL of a port", async () => {
    await act('modal.copySandboxId');
    assert.equal(await vscode.env.clipboard.readText(), id);
    await act('modal.copyPortUrl', { kind: 'port', sandboxId: id, port: 8000, url: 'http://127.0.0.1:1/a' });
    assert.equal(await vscode.env.clipboard.readText(), 'http://127.0.0.1:1/a');
  });

  it('says once that a port is public, before its URL is used', async () => {
    const copy = (answers: Parameters<typeof answering>[0]) =>
      answering(answers, () =>
        act('modal.copyPortUrl', { kind: 'port', sandboxId: id, port: 8000, url: 'https://a.modal.host' }),
      );
    await vscode.env.clipboard.writeText('before');
    assert.deepEqual((await copy({})).messages, [strings.publicPort(8000)]);
    assert.equal(await vscode.env.clipboard.readText(), 'before');
    await copy({ showWarningMessage: strings.copyUrl() });
    assert.equal(await vscode.env.clipboard.readText(), 'https://a.modal.host');
    assert.deepEqual((await copy({})).messages, []);
  });

  it("shows the sandbox's logs in a document with its name", async () => {
    await act('modal.showSandboxLogs', { ...row(), name: 'web/1' });
    const { uri } = await waitForActiveDocument('the logs', (document) => document.uri.scheme === 'modal-logs');
    assert.equal(uri.path, `/${id}/web 1.log`);
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  it('keeps a sandbox running past its idle timeout until that is turned off', async () => {
    const idleTimeoutMs = 3_000;
    const kept = await api.sandboxes.create({ idleTimeoutMs, timeoutMs: 120_000 });
    const on = { id: kept.id, state: 'running', tags: {}, idleTimeoutMs, endsAt: new Date(Date.now() + 120_000) };
    const lives = (sandboxId: string) =>
      api.sandboxes.connect(sandboxId).then(
        () => true,
        () => false,
      );
    const ended = (sandboxId: string) =>
      eventually(
        `${sandboxId} to stop`,
        () => lives(sandboxId),
        (isAlive) => !isAlive,
      );
    await act('modal.keepSandboxAlive', on);
    // This one isn't kept running, and its idle timeout ends later. Once it has stopped, the first one would have, too.
    const other = await api.sandboxes.create({ idleTimeoutMs: idleTimeoutMs + 1_000, timeoutMs: 120_000 });
    await ended(other.id);
    assert.equal(await lives(kept.id), true);
    await act('modal.letSandboxEnd', on);
    await ended(kept.id);
  });

  it('comes back with its files in the next run, unless it is replaced', async () => {
    const run = async (name: string, line: string) => runFile(await writeWorkspaceFile(name, line));
    await run('keep.sh', 'echo kept > /kept');
    await (await api.sandboxes.connect(await start())).kill();
    const resuming = await answering({}, () => run('kept.sh', 'cat /kept'));
    assert.match(resuming.result.text, /^● Resumed from moments ago[\s\S]*^kept$/m);
    // A window says this once, so it may have been in another test.
    const others = resuming.messages.filter((each) => !each.startsWith('Resumed from moments ago'));
    assert.deepEqual(others, []);
    await act('modal.replaceSandbox');
    assert.match((await run('kept.sh', 'cat /kept || echo none')).text, /^● Started sandbox[\s\S]*^none$/m);
  });

  for (const command of ['modal.terminateFolderSandboxes', 'modal.terminateAllSandboxes']) {
    it(`names and terminates sandboxes with ${command}`, async () => {
      const running = await start();
      const terminate = (answer?: string) =>
        answering(answer ? { showWarningMessage: answer } : {}, async () => vscode.commands.executeCommand(command));
      const asked = await terminate();
      assert.match(asked.messages[0] ?? '', /^Terminate .*“hello”/);
      assert.equal(await start(), running, 'dismissing the confirmation stops nothing');
      await terminate('Terminate');
      await assert.rejects(api.sandboxes.connect(running), /has stopped/);
      assert.match((await terminate()).messages[0] ?? '', /^No sandboxes are running( for this folder)?\.$/);
    });
  }
});
