import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SandboxesApi } from './api/api.ts';
import { wallClock } from './base/clock.ts';
import { setLog } from './base/log.ts';
import { explainAndLog } from './modal/errors.ts';
import { LocalModalLauncher } from './modal/local-modal.ts';
import { accountModule } from './providers/account/module.ts';
import { apiModule } from './providers/api/module.ts';
import { Activity } from './providers/common/activity.ts';
import { registerCommands } from './providers/common/commands.ts';
import { unsavedPaths, workspaceFolderPaths, workspaceFolders } from './providers/common/folders.ts';
import { readSettings } from './providers/common/settings.ts';
import { filesModule } from './providers/files/module.ts';
import { ImageBuilds } from './providers/images/image-builds.ts';
import { imagesModule } from './providers/images/module.ts';
import { lifecycleModule } from './providers/lifecycle/module.ts';
import { FolderProfiles, profileRoot } from './providers/profiles/folder-profiles.ts';
import { profilesModule } from './providers/profiles/module.ts';
import { runModule } from './providers/run/module.ts';
import { syncModule } from './providers/sync/module.ts';
import { budgetOfSettings } from './providers/warm/budget.ts';
import { warmModule } from './providers/warm/module.ts';
import { WarmUpService } from './providers/warm/warm-up-service.ts';
import { RunningCommands } from './run/running-commands.ts';
import type { RunServices } from './run/services.ts';
import { SpendRecord } from './sandboxes/cost/spend.ts';
import { FolderSyncs } from './sandboxes/folder-syncs.ts';
import { Handover } from './sandboxes/handover.ts';
import { MachineState } from './sandboxes/machine-state.ts';
import { SandboxStarter } from './sandboxes/sandbox-starter.ts';
import { Sessions } from './sandboxes/sessions.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { sandboxesModule } from './views/sandboxes/module.ts';
import { snapshotsModule } from './views/snapshots/module.ts';
import { statusBarModule } from './views/status-bar/module.ts';
import { volumesModule } from './views/volumes/module.ts';
import { warmUpsModule } from './views/warm/module.ts';

let shutDown: (() => Promise<unknown>) | undefined;

/**
 * Builds the modules in order. Makes no call and waits for nothing; the SDK is loaded by the first run or view, or when a
 * window that has restarted goes on with its sandboxes.
 */
export function activate(context: vscode.ExtensionContext): SandboxesApi {
  const log = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(log);
  const localModal = new LocalModalLauncher(() => ({
    serverPath: join(context.extensionPath, 'dist', 'local-modal.cjs'),
    dataDir: join(context.globalStorageUri.fsPath, 'local-modal'),
    allowUnisolated: readSettings().localModal.allowUnisolated,
  }));
  const account = accountModule({ secrets: context.secrets, startLocalModal: () => localModal.account() });
  const { accounts } = account;
  const profiles = new FolderProfiles(context.workspaceState);
  const activity = new Activity();
  const images = new ImageBuilds(context.globalState, activity);
  const machine = new MachineState(join(context.globalStorageUri.fsPath, 'machine'));
  const spend = new SpendRecord(machine, wallClock);
  void machine.join().catch((error) => log.error(`This window could not be noted: ${explainAndLog(error)}`));
  const budget = budgetOfSettings(spend);
  const starter = new SandboxStarter({
    account: () => accounts.current(),
    app: () => readSettings().app,
    profileRoot,
    buildImage: (...build) => images.build(...build),
    machine,
    spend,
  });
  const syncs = new FolderSyncs({
    // Not the workspace's own: a folder stays the same one when VS Code makes its window a workspace of several.
    storageDir: () => join(context.globalStorageUri.fsPath, 'sync'),
    rules: ({ path }) => readSettings(vscode.Uri.file(path)).sync,
    isLocal: () => accounts.isLocal,
  });
  const warmUps = new WarmUpService({
    starter,
    syncs,
    profiles,
    machine,
    budget,
    clock: wallClock,
    account: accounts,
  });
  const running = new Sessions({
    starter,
    profile: (folder, name) => profiles.get(folder, name),
    handover: new Handover(machine),
    warm: warmUps,
    budget,
  });
  shutDown = () =>
    Promise.all([warmUps.end(), running.dispose()]).finally(() => Promise.all([syncs.dispose(), machine.leave()]));
  const sync = syncModule({ sessions: running, syncs });
  const commands = new RunningCommands();
  const services: RunServices = {
    sessions: running,
    syncs,
    ask: sync.ask,
    unsaved: unsavedPaths,
    commands,
    showWhile: (words, work) => activity.showWhile(words, work),
  };
  const run = runModule({
    services,
    syncRules: sync.rules,
    account: accounts,
    profiles,
    memory: context.workspaceState,
  });
  const profileFeature = profilesModule({ profiles, sessions: running, warm: warmUps });
  const warm = warmModule({
    warmUps,
    sessions: running,
    memory: context.globalState,
    keepWarm: profileFeature.keepWarm,
  });
  const statusBar = statusBarModule({ sessions: running, profiles, warmUps, budget, activity, account: accounts });
  const files = filesModule({ sessions: running, commands, account: accounts });
  const snapshots = new Snapshots(async () => (await running.connection()).client);
  const lifecycle = lifecycleModule({ sessions: running, snapshots, profiles, commands });
  const volumesView = volumesModule({
    sessions: running,
    account: accounts,
    fileSystem: files.volumes,
    onDidChangeFiles: files.onDidChangeVolume,
    mount: profileFeature.mount,
  });
  const snapshotsView = snapshotsModule({
    sessions: running,
    snapshots,
    account: accounts,
    folders: workspaceFolders,
    onDidChangeSnapshots: lifecycle.onDidChangeSnapshots,
  });
  const sandboxes = sandboxesModule({
    sessions: running,
    commands,
    account: accounts,
    folderPaths: workspaceFolderPaths,
    openTerminal: run.openTerminal,
    openInExplorer: files.openInExplorer,
    onDidStartSandbox: snapshotsView.onDidStartSandbox,
  });
  void running.takeOver(workspaceFolderPaths());

  context.subscriptions.push(
    log,
    localModal,
    account,
    activity,
    files,
    sandboxes,
    volumesView,
    snapshotsView,
    run,
    sync,
    profiles,
    images,
    imagesModule({ sessions: running }),
    profileFeature,
    warm,
    warmUpsModule({ warmUps }),
    statusBar,
    lifecycle,
    registerCommands({ 'modal.showLog': () => log.show() }),
  );
  return apiModule({ services, onDidWriteOutput: run.onDidWriteOutput });
}

/** Ends this window's sandboxes: nobody is left to use them. */
export async function deactivate(): Promise<void> {
  await shutDown?.();
}
