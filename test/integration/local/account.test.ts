import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { STORED_PREFIX } from '../../../src/modal/accounts.ts';
import { strings as modalStrings } from '../../../src/modal/strings.ts';
import { strings } from '../../../src/providers/account/strings.ts';
import { strings as commonStrings } from '../../../src/providers/common/strings.ts';
import { startLocalModal } from '../../helpers/local-modal.ts';
import { activate, answering, eventually, runFile, withSetting, writeWorkspaceFile } from '../extension-under-test.ts';

const account = () => vscode.workspace.getConfiguration('modal').get('account');

describe('Account', () => {
  let uri: vscode.Uri;
  let folder: string;
  before(async () => {
    uri = await writeWorkspaceFile('account.sh', 'echo ran');
    folder = mkdtempSync(join(tmpdir(), 'modal-config-'));
    process.env.MODAL_CONFIG_PATH = join(folder, 'modal.toml');
    writeFileSync(
      process.env.MODAL_CONFIG_PATH,
      '[nowhere]\ntoken_id = "ak-1"\ntoken_secret = "as-1"\nserver_url = "http://127.0.0.1:9"\n',
    );
  });
  after(() => {
    delete process.env.MODAL_CONFIG_PATH;
    rmSync(folder, { recursive: true });
  });

  it('connects to nothing before an account is chosen', () =>
    withSetting('account', '', async () => {
      await activate();
      const { connect } = Socket.prototype;
      const targets: unknown[] = [];
      Socket.prototype.connect = function (this: Socket, ...args: Parameters<typeof connect>) {
        targets.push(args.flat()[0]);
        return connect.apply(this, args);
      } as typeof connect;
      try {
        for (const view of ['sandboxes', 'volumes', 'snapshots'])
          await vscode.commands.executeCommand(`modal.${view}.focus`);
        await vscode.window.showTextDocument(uri);
        const { messages } = await answering({}, async () => {
          await vscode.commands.executeCommand('modal.chooseAccount');
          await runFile(uri);
          await vscode.commands.executeCommand('modal.doctor');
        });
        assert.ok(messages.length > 0);
        assert.deepEqual(targets, []);
      } finally {
        Socket.prototype.connect = connect;
      }
    }));

  it('runs nothing if no account is chosen', () =>
    withSetting('account', '', async () => {
      const { result, messages } = await answering({}, () => runFile(uri));
      assert.deepEqual(messages, []);
      assert.equal(result.error, commonStrings.notSignedIn());
      assert.equal(result.text, '');
    }));

  it('continues the run after Local Modal is chosen, which is then the default', () =>
    withSetting('account', '', async () => {
      const { result } = await answering({ showQuickPick: strings.localModal() }, () => runFile(uri));
      assert.equal(account(), 'local');
      assert.equal(result.exitCode, 0);
      assert.match(result.text, /^ran$/m);
    }));

  it('explains in one message that the server is unreachable', () =>
    withSetting('account', 'profile:nowhere', async () => {
      const { error, text } = await runFile(uri);
      assert.match(error ?? '', /^Couldn't reach Modal \(.*\)\. Check your network/);
      assert.match(text, /● Couldn't reach Modal/);
    }));

  it('stops the sandboxes of the previous account at once when the choice changes', async () => {
    const { sandboxes } = await activate();
    const { text } = await runFile(await writeWorkspaceFile('id.sh', 'echo "$MODAL_SANDBOX_ID"'));
    const id = /^sb-\S+$/m.exec(text)?.[0];
    assert.ok(id, text);
    // Its files are reached without another look at the account.
    const { files } = await sandboxes.connect(id);
    const isRunning = () =>
      files.list('/').then(
        () => true,
        () => false,
      );
    assert.equal(await isRunning(), true);
    await withSetting('account', '', async () => {
      await eventually('the sandbox to stop', isRunning, (running) => !running);
    });
  });

  it("says once that MODAL_PROFILE names a profile that isn't in the config file", async () => {
    process.env.MODAL_PROFILE = 'gone';
    try {
      const choose = () => vscode.commands.executeCommand('modal.chooseAccount');
      const { messages } = await answering({}, async () => choose().then(choose));
      assert.deepEqual(messages, [modalStrings.noProfileOfVariable('gone', ['nowhere'])]);
    } finally {
      delete process.env.MODAL_PROFILE;
    }
  });

  it('deletes the token of an account when signing out', () =>
    withSetting('account', '', async () => {
      const extension = vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes');
      const bundle = join(extension?.extensionPath ?? '', 'dist', 'local-modal.cjs');
      const env = { ...(process.env as Record<string, string>), ELECTRON_RUN_AS_NODE: '1' };
      const server = await startLocalModal({ bundle, env });
      process.env.MODAL_SERVER_URL = server.url;
      try {
        const inputs = [server.tokenId, server.tokenSecret];
        const answers = {
          showQuickPick: strings.pasteToken(),
          get showInputBox() {
            return inputs.shift();
          },
        };
        const signIn = () => Promise.resolve(vscode.commands.executeCommand('modal.chooseAccount'));
        await answering(answers as Parameters<typeof answering>[0], signIn);
        const choice = String(account());
        assert.ok(choice.startsWith(STORED_PREFIX), choice);
        const signOut = () => Promise.resolve(vscode.commands.executeCommand('modal.signOut'));
        const name = choice.replace(STORED_PREFIX, '');
        assert.deepEqual((await answering({}, signOut)).messages, [strings.signedOut(name)]);
        await vscode.workspace.getConfiguration('modal').update('account', choice, vscode.ConfigurationTarget.Global);
        const { error } = (await answering({}, () => runFile(uri))).result;
        assert.ok(error?.startsWith(modalStrings.noStoredToken(name)), error);
      } finally {
        delete process.env.MODAL_SERVER_URL;
        await server.stop();
      }
    }));

  it('reports an account that is missing from the config file', () =>
    withSetting('account', 'profile:gone', async () => {
      const { result, messages } = await answering({}, () => runFile(uri));
      assert.match(result.error ?? '', /no profile “gone”/);
      assert.deepEqual(messages, [result.error]);
    }));
});
