import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('a launch on an untrusted folder', () => {
  it('opens it restricted', () => {
    assert.equal(vscode.workspace.isTrusted, false);
  });
});
