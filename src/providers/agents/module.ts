import * as vscode from 'vscode';
import { logError } from '../../base/log.ts';
import { registerCommands } from '../common/commands.ts';
import { connectAgent, refreshLauncher } from './connect-agent.ts';
import type { AgentsDependencies } from './dependencies.ts';
import { offerServers } from './server-definitions.ts';

/** Sandboxes for agents, through an MCP server that is a program of its own. */
export function agentsModule(dependencies: AgentsDependencies): vscode.Disposable {
  refreshLauncher(dependencies).catch(logError);
  return vscode.Disposable.from(
    offerServers(dependencies),
    registerCommands({ 'modal.connectAgent': () => connectAgent(dependencies) }),
  );
}
