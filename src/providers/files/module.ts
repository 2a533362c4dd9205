import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { AccountState } from '../common/account-state.ts';
import { registerCommands } from '../common/commands.ts';
import { registerInactiveFiles } from './inactive-files.ts';
import { RemoteFileCommands } from './remote-file-commands.ts';
import type { RemoteFileSystem } from './remote-file-system.ts';
import { remoteFileSystems } from './remote-file-systems.ts';
import { SandboxSearch } from './search-sandbox.ts';

export interface FilesModuleDependencies {
  readonly sessions: Sessions;
  readonly commands: RunningCommands;
  readonly account: AccountState;
}

export interface FilesModule extends vscode.Disposable {
  readonly volumes: RemoteFileSystem;
  /** Fires after a change to a volume's files made in the editor or the Explorer, with the volume's name. */
  readonly onDidChangeVolume: vscode.Event<string>;
  openInExplorer(sandbox: SandboxSummary): Promise<void>;
}

/** The files of sandboxes and volumes in the editor and the Explorer, with their commands. */
export function filesModule({ sessions, commands, account }: FilesModuleDependencies): FilesModule {
  const changedVolume = new vscode.EventEmitter<string>();
  const systems = remoteFileSystems(sessions, (volume) => changedVolume.fire(volume));
  const actions = new RemoteFileCommands(sessions, systems, commands);
  const search = new SandboxSearch(sessions, systems);
  const disposable = vscode.Disposable.from(
    changedVolume,
    systems,
    registerInactiveFiles(),
    account.onDidChange(() => systems.reset()),
    registerCommands({
      'modal.searchInSandbox': (target?: vscode.Uri | SandboxSummary) => search.show(target),
      'modal.compareWithLocal': (uri?: vscode.Uri) => actions.compareWithLocal(uri),
      'modal.compareWithSandbox': (uri?: vscode.Uri) => actions.compareWithSandbox(uri),
      'modal.downloadRemoteFile': (uri?: vscode.Uri, all?: vscode.Uri[]) => actions.download(uri, all),
    }),
  );
  return Object.assign(disposable, {
    volumes: systems.volumes,
    onDidChangeVolume: changedVolume.event,
    openInExplorer: (sandbox: SandboxSummary) => actions.openInExplorer(sandbox),
  });
}
