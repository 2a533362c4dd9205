import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { answering, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

describe('Terminate Sandbox', () => {
  it('terminates a sandbox after a confirmation, and the next run starts another one', async () => {
    const uri = await writeWorkspaceFile('again.sh', 'echo "$MODAL_SANDBOX_ID"');
    const { text } = await runFile(uri);
    const id = /^sb-\S+$/m.exec(text)?.[0];
    assert.ok(id, text);
    const terminate = () => vscode.commands.executeCommand('modal.terminateSandbox', { id, tags: {} });

    const { messages } = await answering({}, async () => terminate());
    assert.match(messages[0] ?? '', /^Terminate the sandbox for/);
    assert.match((await runFile(uri)).text, new RegExp(`^${id}$`, 'm'), 'dismissing the confirmation stops nothing');

    await answering({ showWarningMessage: 'Terminate' }, async () => terminate());
    const after = await runFile(uri);
    assert.equal(after.exitCode, 0);
    assert.match(after.text, /^● Started sandbox sb-/m);
    assert.doesNotMatch(after.text, new RegExp(`^${id}$`, 'm'));
  });
});
