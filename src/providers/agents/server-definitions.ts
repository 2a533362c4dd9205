import { join } from 'node:path';
import * as vscode from 'vscode';
import { STORED_PREFIX } from '../../modal/accounts.ts';
import { diskFolders } from '../common/folders.ts';
import type { AgentsDependencies } from './dependencies.ts';
import { strings } from './strings.ts';
import { writeUserSettings } from './user-settings.ts';

/** The ID of the provider in `package.json`. */
const PROVIDER_ID = 'modal-sandboxes';

/**
 * Offers the MCP server to the editor's own agents, one for each folder. The editor asks for them at startup, so they're made
 * without reading, asking, or calling anything. Does nothing in editors without this API.
 */
export function offerServers(dependencies: AgentsDependencies): vscode.Disposable {
  // Editors based on VS Code may not have it.
  const register: typeof vscode.lm.registerMcpServerDefinitionProvider | undefined =
    vscode.lm?.registerMcpServerDefinitionProvider;
  if (!register) return { dispose: () => {} };
  const didChange = new vscode.EventEmitter<void>();
  const fire = () => didChange.fire();
  return vscode.Disposable.from(
    didChange,
    dependencies.account.onDidChange(fire),
    vscode.workspace.onDidChangeWorkspaceFolders(fire),
    vscode.workspace.onDidGrantWorkspaceTrust(fire),
    register.call(vscode.lm, PROVIDER_ID, {
      onDidChangeMcpServerDefinitions: didChange.event,
      provideMcpServerDefinitions: () => definitions(dependencies),
      async resolveMcpServerDefinition(server: vscode.McpStdioServerDefinition) {
        await writeUserSettings(dependencies);
        return withToken(server, dependencies);
      },
    }),
  );
}

function definitions({ account, extensionPath, storagePath, version }: AgentsDependencies) {
  if (!vscode.workspace.isTrusted || !account.isChosen) return [];
  return diskFolders().map(({ uri, name }) => {
    const options = ['--folder', uri.fsPath, '--state', storagePath, '--account', account.choice];
    const args = [join(extensionPath, 'dist', 'mcp.cjs'), ...options];
    const env = { ELECTRON_RUN_AS_NODE: '1' };
    return new vscode.McpStdioServerDefinition(strings.serverOf(name), process.execPath, args, env, version);
  });
}

/** Called when the server is about to start. Gives it the token of an account that only the editor knows. */
async function withToken(server: vscode.McpStdioServerDefinition, { account }: AgentsDependencies) {
  if (!account.choice.startsWith(STORED_PREFIX)) return server;
  const { tokenId, tokenSecret, environment } = await account.current();
  server.env = {
    ...server.env,
    MODAL_TOKEN_ID: tokenId,
    MODAL_TOKEN_SECRET: tokenSecret,
    ...(environment !== undefined && { MODAL_ENVIRONMENT: environment }),
  };
  server.args = server.args.map((each) => (each === account.choice ? 'environment' : each));
  return server;
}
