import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { Target } from '../../run/targets/target.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { Snapshot } from '../../snapshots/snapshots.ts';
import type { RemoteFileCommands } from '../files/remote-file-commands.ts';
import type { SandboxSearch } from '../files/search-sandbox.ts';
import type { ImageCommands } from '../images/image-commands.ts';
import type { SessionLifeCommands } from '../lifecycle/lifecycle-commands.ts';
import type { ProfileCommands } from '../profiles/profile-commands.ts';
import type { RunCommands } from '../run/run-commands.ts';
import type { SelectionCommands } from '../run/selection/selection-commands.ts';
import { runTaskInSandbox } from '../run/tasks/run-task.ts';
import type { RunTasks } from '../run/tasks/tasks.ts';
import type { SyncCommands } from '../sync/sync-commands.ts';
import type { SyncRules } from '../sync/sync-rules.ts';
import { whySynced } from '../sync/why-synced.ts';
import { stopEverything } from '../warm/stop-everything.ts';
import type { WarmUpService } from '../warm/warm-up-service.ts';

export interface CommandServices {
  readonly run: RunCommands;
  readonly selections: SelectionCommands;
  readonly tasks: RunTasks;
  readonly rules: SyncRules;
  readonly sync: SyncCommands;
  readonly profiles: ProfileCommands;
  readonly images: ImageCommands;
  readonly life: SessionLifeCommands;
  readonly remoteFiles: RemoteFileCommands;
  readonly search: SandboxSearch;
  readonly sessions: Sessions;
  readonly warmUps: WarmUpService;
  readonly sessionMenu: () => Promise<void>;
  /** Snapshots were made or used. */
  readonly onSnapshots: () => void;
  readonly showLog: () => void;
}

/** Registers the commands that belong to no view; each view registers its own. */
export function registerCommands(services: CommandServices): vscode.Disposable {
  const { run, selections, tasks, rules, sync, profiles, images, life, remoteFiles, search } = services;
  const { onSnapshots } = services;
  const actions: Record<string, (...args: never[]) => unknown> = {
    runActiveFile: (uri?: vscode.Uri) => run.runActiveFile(uri),
    runFile: (uri: vscode.Uri) => run.runActiveFile(uri),
    runActiveFileHere: (sandbox: SandboxSummary) => run.runActiveFileHere(sandbox),
    runWithArguments: (uri?: vscode.Uri) => run.runWithArguments(uri),
    runHistory: () => run.runAgain(),
    runTarget: (uri: vscode.Uri, target: Target) => run.runTarget(uri, target),
    runSelection: () => selections.run(),
    restartSelectionProcess: () => selections.restart(),
    runTask: (name?: string) => runTaskInSandbox(tasks, name),
    whySynced: (uri?: vscode.Uri) => whySynced(rules, uri),
    syncNow: () => sync.push(),
    pullChanges: () => sync.pullChanges(),
    pull: (patterns?: string[]) => sync.pull(patterns),
    mirror: () => sync.mirror(),
    chooseProfile: (uri?: vscode.Uri) => profiles.choose(uri),
    newProfile: () => profiles.create(),
    replaceSandbox: () => profiles.replace(),
    rebuildImage: () => images.rebuild(),
    checkImage: () => images.check(),
    pauseSandbox: (row?: SandboxSummary) => life.pause(row).then(onSnapshots),
    resumeSandbox: (row?: Snapshot) => life.resume(row).then(onSnapshots),
    stopEverything: () => stopEverything(services.sessions, services.warmUps),
    sessionMenu: services.sessionMenu,
    searchInSandbox: (target?: vscode.Uri | SandboxSummary) => search.show(target),
    compareWithLocal: (uri?: vscode.Uri) => remoteFiles.compareWithLocal(uri),
    compareWithSandbox: (uri?: vscode.Uri) => remoteFiles.compareWithSandbox(uri),
    downloadRemoteFile: (uri?: vscode.Uri, all?: vscode.Uri[]) => remoteFiles.download(uri, all),
    showLog: services.showLog,
  };
  return vscode.Disposable.from(
    ...Object.entries(actions).map(([name, action]) => vscode.commands.registerCommand(`modal.${name}`, action)),
  );
}
