import * as vscode from 'vscode';
import { logError } from '../../base/log.ts';
import { policyPath } from '../../mcp/policy.ts';
import { registerCommands } from '../common/commands.ts';
import { onDidChangeSettings } from '../common/settings.ts';
import { connectAgent, refreshLauncher } from './connect-agent.ts';
import type { AgentsDependencies } from './dependencies.ts';
import { offerServers } from './server-definitions.ts';

/** Sandboxes for agents, through an MCP server that is a program of its own. */
export function agentsModule(
  { extension, extensionPath, globalStorageUri }: vscode.ExtensionContext,
  account: AgentsDependencies['account'],
): vscode.Disposable {
  const { version, contributes } = extension.packageJSON;
  const dependencies: AgentsDependencies = {
    account,
    storagePath: globalStorageUri.fsPath,
    extensionPath,
    version: String(version),
    settings: Object.keys(contributes.configuration.properties),
    policyPath: policyPath(),
  };
  const refresh = () => void refreshLauncher(dependencies).catch(logError);
  refresh();
  return vscode.Disposable.from(
    onDidChangeSettings(refresh),
    offerServers(dependencies),
    registerCommands({ 'modal.connectAgent': () => connectAgent(dependencies) }),
  );
}
