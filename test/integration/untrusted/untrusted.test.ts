import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/common/strings.ts';
import { activate, answering, runFile } from '../extension-under-test.ts';

describe('An untrusted workspace', () => {
  let uri: vscode.Uri;
  before(async () => {
    assert.equal(vscode.workspace.isTrusted, false, 'VS Code was started without trust');
    const [found] = await vscode.workspace.findFiles('*.py', undefined, 1);
    assert.ok(found, 'the workspace has a Python file');
    uri = found;
  });

  it('syncs nothing, runs nothing, and explains why', async () => {
    const { result, messages } = await answering({}, () => runFile(uri));
    assert.equal(result.error, strings.notTrusted());
    assert.deepEqual(messages, [result.error]);
    assert.equal(result.text, '');
    assert.deepEqual(
      Object.keys(require.cache).filter((path) => path.endsWith('modal-sdk.cjs')),
      [],
      'the SDK was never loaded',
    );
  });

  it('has no code lenses', async () => {
    // VS Code requests code lenses only from active extensions.
    await activate();
    await vscode.window.showTextDocument(uri);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
    assert.deepEqual(
      lenses.filter(({ command }) => command?.command.startsWith('modal.')),
      [],
    );
  });
});
