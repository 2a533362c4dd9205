import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/account/strings.ts';
import { strings as commonStrings } from '../../../src/providers/common/strings.ts';
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

  it('offers two ways to choose an account, and runs nothing if neither is chosen', () =>
    withSetting('account', '', async () => {
      const { result, messages } = await answering({}, () => runFile(uri));
      assert.equal(messages[0], strings.offer());
      assert.equal(result.error, commonStrings.notSignedIn());
      assert.equal(result.text, '');
    }));

  it('continues the run after one click on Use Local Modal', () =>
    withSetting('account', '', async () => {
      const { result } = await answering({ showInformationMessage: strings.useLocalModal() }, () => runFile(uri));
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

  it('reports an account that is missing from the config file', () =>
    withSetting('account', 'profile:gone', async () => {
      const { result, messages } = await answering({}, () => runFile(uri));
      assert.match(result.error ?? '', /no profile “gone”/);
      assert.deepEqual(messages, [result.error]);
    }));
});
