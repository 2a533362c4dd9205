import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { answering, type RunResult, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

describe('Pause Sandbox and Resume Sandbox', () => {
  it('pauses a sandbox, and resumes it with its files', async () => {
    const make = await writeWorkspaceFile('make-state.sh', 'echo remembered > /opt/state');
    const look = await writeWorkspaceFile('look-state.sh', 'cat /opt/state');
    await runFile(make);
    const paused = await answering({}, async () => vscode.commands.executeCommand('modal.pauseSandbox'));
    assert.match(paused.messages.join('\n'), /was paused\. Its files are kept for 30 days/);
    const again = await answering({}, async () => vscode.commands.executeCommand('modal.pauseSandbox'));
    assert.match(again.messages.join('\n'), /No sandbox is running for profile/);
    const resumed = await answering({}, async () => vscode.commands.executeCommand('modal.resumeSandbox'));
    assert.match(resumed.messages.join('\n'), /was resumed with its files/);
    const { text } = await runFile(look);
    assert.match(text, /^remembered$/m);
    assert.doesNotMatch(text, /Started sandbox/);
  });
});

describe('Run Active File Here', () => {
  it('runs the active file in the selected sandbox, and asks first if the sandbox belongs to another folder', async () => {
    const { sandboxId } = await runFile(await writeWorkspaceFile('here.sh', 'echo here'));
    await vscode.window.showTextDocument(await writeWorkspaceFile('there.sh', 'echo there'));
    const run = (tags: object) =>
      vscode.commands.executeCommand<RunResult>('modal.runActiveFileHere', { id: sandboxId, tags });
    const own = await run({});
    assert.deepEqual([own.exitCode, own.sandboxId], [0, sandboxId]);
    const foreign = await answering({}, async () => run({ 'vscode-folder': 'another', 'vscode-folder-name': 'other' }));
    assert.match(foreign.messages.join(), /belongs to “other”. Sync “profiles” to it and run the file there\?/);
    assert.deepEqual(foreign.result, { outcome: 'canceled' });
  });
});
