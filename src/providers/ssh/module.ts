import * as vscode from 'vscode';
import { logError } from '../../base/log.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { registerCommands } from '../common/commands.ts';
import { SshCommands } from './ssh-commands.ts';
import { SshConnections } from './ssh-connections.ts';
import { type SshDependencies, SshHosts } from './ssh-hosts.ts';

export interface SshModule extends vscode.Disposable {
  readonly connections: SshConnections;
}

/** SSH to sandboxes, from any program on this computer. */
export function sshModule(dependencies: SshDependencies): SshModule {
  const { sessions } = dependencies;
  const hosts = new SshHosts(dependencies);
  const connections = new SshConnections(hosts.folder, (sandboxId) => sessions.noteUse(sandboxId));
  const actions = new SshCommands(dependencies, hosts);
  hosts.refresh().catch(logError);
  connections.watch().catch(logError);
  const disposable = vscode.Disposable.from(
    connections,
    { dispose: () => void hosts.dispose().catch(logError) },
    sessions.onDidChange(() => void hosts.follow().catch(logError)),
    registerCommands({
      'modal.openInSsh': (row?: SandboxSummary) => actions.open(row),
      'modal.copySshCommand': (row?: SandboxSummary) => actions.copy(row),
      'modal.setUpSsh': () => actions.setUp(),
      'modal.removeSshHosts': () => actions.remove(),
    }),
  );
  return Object.assign(disposable, { connections });
}
