import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { DEBUGPY_FOLDER } from '../../../src/debug/python.ts';
import { debugpyArchive, hasDebugpy, NO_DEBUGPY } from '../../helpers/debugpy.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { breakAt, debuggingEnded, evaluate, launchOf, stopDebugging, stoppedAt } from '../debugging.ts';
import { activate, textOf, waitForActiveDocument, writeWorkspaceFile } from '../extension-under-test.ts';

const PROGRAM = `import json

def double(number):
    result = number * 2
    return result

print(double(4))
print(json.loads("[1]"))
`;

describe('Debug in Sandbox', () => {
  let program: vscode.Uri;

  before(async function () {
    skipUnless(this, hasDebugpy, NO_DEBUGPY);
    const api = await activate();
    program = await writeWorkspaceFile('debug/program.py', PROGRAM);
    const { sandboxId = '' } = await api.execute(['mkdir', '-p', DEBUGPY_FOLDER]);
    const archive = debugpyArchive();
    if (!archive) return;
    await (await api.sandboxes.connect(sandboxId)).files.write('/tmp/debugpy.tar.gz', archive);
    await api.execute(['tar', '-xzf', '/tmp/debugpy.tar.gz', '-C', DEBUGPY_FOLDER]);
  });
  afterEach(stopDebugging);

  const config = (own?: object) => launchOf(program, own);

  it('stops at a breakpoint in the local file, evaluates, steps, restarts, and ends', async () => {
    breakAt(program, 3);
    const text = await textOf(async () => {
      assert.equal(await vscode.debug.startDebugging(undefined, config()), true);
      const frameId = await stoppedAt(program, 3);
      assert.equal(await evaluate('number', frameId), '4');
      await vscode.commands.executeCommand('workbench.action.debug.stepOver');
      await stoppedAt(program, 4);
      await vscode.commands.executeCommand('workbench.action.debug.restart');
      await stoppedAt(program, 3);
      await vscode.commands.executeCommand('workbench.action.debug.continue');
      await debuggingEnded();
    });
    assert.match(text, /^8\r?\n\[1\]/m);
  });

  it('shows a file that only the sandbox has from there, read-only', async () => {
    breakAt(program, 7);
    await vscode.debug.startDebugging(undefined, config({ justMyCode: false, console: 'internalConsole' }));
    await stoppedAt(program, 7);
    await vscode.commands.executeCommand('workbench.action.debug.stepInto');
    const { uri } = await waitForActiveDocument('the library', ({ uri: { path } }) =>
      path.endsWith('/json/__init__.py'),
    );
    assert.equal(uri.scheme, 'modal-sandbox');
    assert.equal((await vscode.workspace.fs.stat(uri)).permissions, vscode.FilePermission.Readonly);
    await vscode.debug.stopDebugging();
    await debuggingEnded();
  });
});
