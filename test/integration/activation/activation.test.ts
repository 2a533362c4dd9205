import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { activate, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

const loadedModules = () => Object.keys(require.cache).map((path) => path.replaceAll('\\', '/'));
const isSdk = (path: string) => path.endsWith('/dist/modal-sdk.cjs');

describe('Activation', () => {
  it('loads the SDK only when the first run starts', async () => {
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

  it('registers every command that package.json contributes or refers to', async () => {
    await activate();
    const { contributes } = vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes')?.packageJSON ?? {};
    const contributed: string[] = contributes.commands.map(({ command }: { command: string }) => command);
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      contributed.filter((command) => !registered.has(command)),
      [],
    );
    const { menus, keybindings, viewsWelcome, walkthroughs, configuration } = contributes;
    const text = JSON.stringify([menus, keybindings, viewsWelcome, walkthroughs, configuration]);
    const named = [...text.matchAll(/(?:"command":"|command:|onCommand:)(modal\.\w+(?:\.focus)?)/g)].map(
      ([, id]) => id,
    );
    assert.ok(named.length > contributed.length);
    assert.deepEqual(
      named.filter((id) => !contributed.includes(id ?? '') && !registered.has(id ?? '')),
      [],
    );
  });
});
