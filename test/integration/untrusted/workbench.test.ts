import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('A launch on an untrusted folder', () => {
  it('opens the folder in restricted mode', () => {
    assert.equal(vscode.workspace.isTrusted, false);
  });
});
