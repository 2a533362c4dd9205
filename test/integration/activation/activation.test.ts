import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { activate, runFile, writeWorkspaceFile } from '../extension-under-test.ts';

const loadedModules = () => Object.keys(require.cache).map((path) => path.replaceAll('\\', '/'));
const isSdk = (path: string) => path.endsWith('/dist/modal-sdk.cjs');

describe('Activation', () => {
  let offered:
    | { id: string; provider: vscode.McpServerDefinitionProvider<vscode.McpStdioServerDefinition> }
    | undefined;

  before(async () => {
    const { isActive } = vscode.extensions.getExtension('modal-sandboxes.modal-sandboxes') ?? {};
    assert.equal(isActive, false, 'opening a folder activates nothing before an account is chosen');
    const register = vscode.lm.registerMcpServerDefinitionProvider;
    Object.assign(vscode.lm, {
      registerMcpServerDefinitionProvider: (...[id, provider]: Parameters<typeof register>) => {
        offered = { id, provider: provider as NonNullable<typeof offered>['provider'] };
        return register(id, provider);
      },
    });
    await vscode.workspace.getConfiguration('modal').update('account', 'local', true);
  });

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

  it("offers the MCP server of each folder to the editor's agents, in the account that is chosen", async () => {
    await activate();
    const { token } = new vscode.CancellationTokenSource();
    const definitions = (await offered?.provider.provideMcpServerDefinitions(token)) ?? [];
    const [definition] = definitions;
    assert.ok(definition);
    const started = await offered?.provider.resolveMcpServerDefinition?.(definition, token);
    const { command, args, env } = started ?? definition;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.deepEqual([offered?.id, definitions.length, command], ['modal-sandboxes', 1, process.execPath]);
    assert.ok(existsSync(args[0] ?? ''), args[0]);
    assert.deepEqual(
      [args.slice(1, 3), args.slice(-2)],
      [
        ['--folder', folder],
        ['--account', 'local'],
      ],
    );
    assert.deepEqual(env, { ELECTRON_RUN_AS_NODE: '1' });
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
