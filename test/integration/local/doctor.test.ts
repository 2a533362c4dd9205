import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { strings as doctorStrings } from '../../../src/doctor/strings.ts';
import { strings as commonStrings } from '../../../src/providers/common/strings.ts';
import { strings } from '../../../src/providers/doctor/strings.ts';
import { activate, answering, waitForActiveDocument, withSetting } from '../extension-under-test.ts';

describe('Modal: Doctor', () => {
  let folder: string;
  before(async () => {
    await activate();
    folder = mkdtempSync(join(tmpdir(), 'modal-config-'));
    process.env.MODAL_CONFIG_PATH = join(folder, 'modal.toml');
    const profile = '[nowhere]\ntoken_id = "ak-1"\ntoken_secret = "as-planted1"\nserver_url = "http://127.0.0.1:9"\n';
    writeFileSync(process.env.MODAL_CONFIG_PATH, profile);
  });
  after(async () => {
    delete process.env.MODAL_CONFIG_PATH;
    rmSync(folder, { recursive: true });
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
  });

  /** Waits until the report shown has these words, and returns it. */
  const report = (words: string) =>
    waitForActiveDocument(
      `the report with “${words}”`,
      ({ uri, getText }) => uri.scheme === 'modal-doctor' && getText().includes(words),
    );

  it('finds no problem on Local Modal, whose isolation it names, and asks nothing', async () => {
    const { messages } = await answering({}, () => Promise.resolve(vscode.commands.executeCommand('modal.doctor')));
    assert.deepEqual(messages, [strings.allWell()]);
    const document = await report('No problems found.');
    assert.equal(document.languageId, 'markdown');
    const text = document.getText();
    assert.match(text, /^# Modal: Doctor\n\n.*No problems found\./);
    assert.match(text, /## ✓ Local Modal[^\n]*\n\n.*isolat/);
    assert.match(text, /A sandbox started in .* ended in /);
    assert.match(text, /Sandboxes for Modal \d.*, VS Code \d.*, Node \d.*, Modal SDK \d/);
  });

  it('asks before it starts a sandbox on Modal, and has the fixes of what fails above it', () =>
    withSetting('account', 'profile:nowhere', async () => {
      const { messages } = await answering({ showInformationMessage: strings.withoutSandbox() }, () =>
        Promise.resolve(vscode.commands.executeCommand('modal.doctor')),
      );
      assert.equal(messages[0], strings.askForSandbox('nowhere'));
      assert.match(messages[1] ?? '', new RegExp(`^${doctorStrings.check('server')}: Couldn't reach Modal`));
      const document = await report('One problem found.');
      assert.doesNotMatch(document.getText(), /as-planted1|nowhere/);
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
        'vscode.executeCodeLensProvider',
        document.uri,
      );
      const titles = lenses.map(({ command, range }) => [
        command?.title.replace('$(copy) ', ''),
        document.lineAt(range.start.line).text.replace(/ \(.*/, ''),
      ]);
      const failed = `## ✗ ${doctorStrings.check('server')}`;
      assert.deepEqual(titles, [
        [strings.copyReport(), '# Modal: Doctor'],
        [commonStrings.retry(), failed],
        [commonStrings.chooseAccount(), failed],
      ]);
    }));

  it('shows each check that fails with its fixes as buttons', () =>
    withSetting('account', 'profile:nowhere', async () => {
      const http = vscode.workspace.getConfiguration('http');
      await http.update('proxy', 'socks5://127.0.0.1:1', vscode.ConfigurationTarget.Global);
      const shown: string[][] = [];
      const note = async (message: string, ...[, ...buttons]: readonly unknown[]) =>
        void shown.push([message.split(':')[0] ?? '', ...buttons.map(String)]);
      try {
        await answering({ showInformationMessage: strings.withoutSandbox() }, async () => {
          Object.assign(vscode.window, { showErrorMessage: note });
          await vscode.commands.executeCommand('modal.doctor');
        });
      } finally {
        await http.update('proxy', undefined, vscode.ConfigurationTarget.Global);
      }
      assert.deepEqual(shown, [
        [doctorStrings.check('proxy'), commonStrings.showProxySettings()],
        [
          doctorStrings.check('server'),
          commonStrings.showProxySettings(),
          commonStrings.retry(),
          commonStrings.chooseAccount(),
        ],
      ]);
    }));
});
