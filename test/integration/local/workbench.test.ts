import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('A launch on Local Modal', () => {
  it('opens the example folder as a trusted one', () => {
    assert.equal(vscode.workspace.workspaceFolders?.[0]?.name, 'hello');
    assert.equal(vscode.workspace.isTrusted, true);
  });

  it('starts with the settings of its launch', () => {
    assert.equal(vscode.workspace.getConfiguration('modal').get('account'), 'local');
  });

  it('installs the extension', () => {
    assert.ok(vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes'));
  });
});
