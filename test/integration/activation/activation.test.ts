import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { activate, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

const loadedModules = () => Object.keys(require.cache).map((path) => path.replaceAll('\\', '/'));
const isSdk = (path: string) => path.endsWith('/dist/modal-sdk.cjs');

describe('activation', () => {
  it('loads no SDK and starts no server; the first run does', async () => {
    await activate();
    assert.ok(
      loadedModules().some((path) => path.endsWith('/dist/extension.cjs')),
      'the list of loaded modules shows the extension',
    );
    assert.deepEqual(loadedModules().filter(isSdk), []);
    assert.ok(
      existsSync(
        `${vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes')?.extensionPath}/dist/modal-sdk.cjs`,
      ),
    );
    const { exitCode } = await runFile(await writeWorkspaceFile('first.sh', 'exit 0'));
    assert.equal(exitCode, 0);
    assert.equal(loadedModules().filter(isSdk).length, 1);
  });
});
