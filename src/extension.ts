import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SandboxesApi } from './api/api.ts';
import { wallClock } from './base/clock.ts';
import { setLog } from './base/log.ts';
import { explainAndLog } from './modal/errors.ts';
import { LocalModal } from './modal/local-modal.ts';
import { accountModule } from './providers/account/module.ts';
import { createApi } from './providers/api/module.ts';
import { syncedFolder, unsavedPaths, workspaceFolderPaths, workspaceFolders } from './providers/common/folders.ts';
import { registerCommands } from './providers/common/register.ts';
import { readSettings } from './providers/common/settings.ts';
import { RemoteFileCommands } from './providers/files/remote-file-commands.ts';
import { remoteFileSystems } from './providers/files/remote-file-systems.ts';
import { SandboxSearch } from './providers/files/search-sandbox.ts';
import { ImageBuilds } from './providers/images/image-builds.ts';
import { ImageCommands } from './providers/images/image-commands.ts';
import { ImageReports } from './providers/images/image-reports.ts';
import { SessionLifeCommands } from './providers/lifecycle/lifecycle-commands.ts';
import { FolderProfiles, profileRoot } from './providers/profiles/folder-profiles.ts';
import { ProfileCommands } from './providers/profiles/profile-commands.ts';
import { ProfileProblems } from './providers/profiles/profile-problems.ts';
import { RunLenses } from './providers/run/code-lens.ts';
import { RunCommands } from './providers/run/run-commands.ts';
import { RunRequests } from './providers/run/run-requests.ts';
import { RunTerminals } from './providers/run/run-terminals.ts';
import { SelectionCommands } from './providers/run/selection/selection-commands.ts';
import { openShell, registerTerminalProfile } from './providers/run/shell-terminal.ts';
import { RunTasks } from './providers/run/tasks/tasks.ts';
import { registerTerminalLinks } from './providers/run/terminal-links.ts';
import { LiveFolders } from './providers/sync/live-folders.ts';
import { SyncCommands } from './providers/sync/sync-commands.ts';
import { SyncDecorations } from './providers/sync/sync-decorations.ts';
import { askInDialog } from './providers/sync/sync-questions.ts';
import { SyncRules } from './providers/sync/sync-rules.ts';
import { WarmUpService } from './providers/warm/warm-up-service.ts';
import { RunHistory } from './run/history.ts';
import { RunningCommands } from './run/running-commands.ts';
import type { RunServices } from './run/services.ts';
import { TASK_TYPE } from './run/task-definition.ts';
import { SpendRecord } from './sandboxes/cost/spend.ts';
import { dropIfEnded } from './sandboxes/drop-ended.ts';
import { FolderSyncs } from './sandboxes/folder-syncs.ts';
import { Lifetimes } from './sandboxes/lifetimes.ts';
import { Machine } from './sandboxes/machine-state.ts';
import { Sessions } from './sandboxes/sessions.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { sandboxesModule } from './views/sandboxes/module.ts';
import { snapshotsModule } from './views/snapshots/module.ts';
import { StatusBar } from './views/status-bar/status-bar.ts';
import { volumesModule } from './views/volumes/module.ts';
import { WarmUpsTree } from './views/warm/warm-ups-tree.ts';

let shutDown: (() => Promise<unknown>) | undefined;

/**
 * Builds the modules in order. Makes no call and waits for nothing; the SDK is loaded by the first run or view, or when a
 * window that has restarted goes on with its sandboxes.
 */
export function activate(context: vscode.ExtensionContext): SandboxesApi {
  const log = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(log);
  const localModal = new LocalModal(() => ({
    serverPath: join(context.extensionPath, 'dist', 'local-modal.cjs'),
    dataDir: join(context.globalStorageUri.fsPath, 'local-modal'),
    allowUnisolated: readSettings().localModal.allowUnisolated,
  }));
  const account = accountModule({ secrets: context.secrets, startLocalModal: () => localModal.account() });
  const { accounts } = account;
  const profiles = new FolderProfiles(context.workspaceState);
  const images = new ImageBuilds(
    context.globalState,
    (building) => void statusBar.during('Building the image…', building),
  );
  const machine = new Machine(join(context.globalStorageUri.fsPath, 'machine'));
  const spend = new SpendRecord(machine, wallClock);
  void machine.join().catch((error) => log.error(`This window could not be noted: ${explainAndLog(error)}`));
  const running = new Sessions({
    account: () => accounts.current(),
    app: () => readSettings().app,
    profile: (folder, name) => profiles.get(folder, name),
    profileRoot,
    buildImage: (...build) => images.build(...build),
    machine,
    spend,
    takeWarm: (folder, named) => warmUps.take(folder, named),
    requireBudget: () => warmUps.requireBudget(),
    onStarting: (starting) => void statusBar.during('Starting a sandbox…', starting).catch(() => {}),
    onColdStart: (folder, named, durationMs) => void warmUps.coldStart(folder, named, durationMs),
    onChange: () => {
      sandboxes.refresh();
      void statusBar.update();
      void lifetimes.update();
    },
  });
  const syncs = new FolderSyncs({
    // Not the workspace's own: a folder stays the same one when VS Code makes its window a workspace of several.
    storageDir: () => join(context.globalStorageUri.fsPath, 'sync'),
    rules: ({ path }) => readSettings(vscode.Uri.file(path)).sync,
    isLocal: () => accounts.isLocal,
  });
  shutDown = () =>
    Promise.all([warmUps.end(), running.dispose()]).finally(() => Promise.all([syncs.dispose(), machine.leave()]));
  const rules = new SyncRules(syncs);
  const requests = new RunRequests(rules);
  const sync = new SyncCommands(running, syncs);
  const commands = new RunningCommands();
  const services: RunServices = {
    sessions: running,
    syncs,
    ask: askInDialog,
    unsaved: unsavedPaths,
    commands,
    during: (words, work) => statusBar.during(words, work),
  };
  const terminals = new RunTerminals(services);
  const tasks = new RunTasks(terminals, requests);
  const run = new RunCommands({ tasks, requests, accounts, history: new RunHistory(context.workspaceState) });
  const selections = new SelectionCommands({ terminals, requests, sessions: running, accounts });
  const reports = new ImageReports();
  const imageCommands = new ImageCommands(running, reports);
  const profileCommands = new ProfileCommands(profiles, running, (folder, name) => warmUps.pool.count(folder, name));
  const lenses = new RunLenses(
    (kind) => readSettings().codeLens[kind],
    (folder) => profiles.current(syncedFolder(folder)),
  );
  const live = new LiveFolders(running, syncs);
  const decorations = new SyncDecorations(syncs);
  const isAccountChosen = () => accounts.isChosen;
  const warmUps = new WarmUpService({
    sessions: running,
    syncs,
    profiles,
    machine,
    spend,
    clock: wallClock,
    memory: context.globalState,
    isAccountChosen,
    accountKey: () => accounts.key,
    log,
    keepReady: (folder, name) => profileCommands.keepReady(folder, name),
  });
  const statusBar = new StatusBar({
    sessions: running,
    profiles,
    warmUps,
    isAccountChosen,
    isLocal: () => accounts.isLocal,
  });
  const fileSystems = remoteFileSystems(running, () => volumes.refresh());
  const remoteFiles = new RemoteFileCommands(running, fileSystems, commands);
  const volumes = volumesModule({
    sessions: running,
    isAccountChosen,
    fileSystem: fileSystems.volumes,
    mount: (name) => profileCommands.mount(name),
  });
  const sandboxes = sandboxesModule({
    sessions: running,
    commands,
    isAccountChosen,
    folderPaths: workspaceFolderPaths,
    openTerminal: async (sandboxId) => {
      if (accounts.isChosen || (await accounts.offer())) openShell(terminals, sandboxId);
    },
    openInExplorer: (sandbox) => remoteFiles.openInExplorer(sandbox),
  });
  const snapshots = new Snapshots(async () => (await running.connection()).client);
  const life = new SessionLifeCommands({ sessions: running, snapshots, profiles, commands });
  const lifetimes = new Lifetimes({
    clock: wallClock,
    lives: () => running.started.lives(),
    onNearEnd: (each) => void life.nearEnd(each),
    isBusy: (sandboxId) => commands.in(sandboxId).length > 0,
    check: ({ sandbox }) => dropIfEnded(running, sandbox),
  });
  const snapshotsView = snapshotsModule({
    sessions: running,
    snapshots,
    isAccountChosen,
    folders: workspaceFolders,
    onStart: () => sandboxes.refresh(),
  });
  const views = [sandboxes, volumes, snapshotsView];
  void running.takeOver(workspaceFolderPaths());

  context.subscriptions.push(
    log,
    localModal,
    account,
    ...views,
    fileSystems,
    terminals,
    tasks,
    lenses,
    live,
    decorations,
    profiles,
    images,
    reports,
    warmUps,
    new WarmUpsTree(warmUps),
    statusBar,
    new ProfileProblems(),
    registerTerminalProfile(terminals),
    registerTerminalLinks((copy) => requests.originalOf(copy)),
    vscode.tasks.registerTaskProvider(TASK_TYPE, tasks),
    lifetimes,
    registerCommands({
      run,
      selections,
      tasks,
      rules,
      sync,
      profiles: profileCommands,
      images: imageCommands,
      life,
      remoteFiles,
      search: new SandboxSearch(running, fileSystems),
      sessions: running,
      warmUps,
      sessionMenu: () => statusBar.menu(),
      onSnapshots: () => snapshotsView.refresh(),
      showLog: () => log.show(),
    }),
    profiles.onDidChange(() => {
      lenses.update();
      void profileCommands.offerReplacement();
    }),
    accounts.onDidChange(() => {
      fileSystems.reset();
      for (const view of views) view.reset();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('modal')) {
        for (const view of views) view.update();
        warmUps.update();
        void statusBar.update();
      }
      if (event.affectsConfiguration('modal.codeLens')) lenses.update();
      if (event.affectsConfiguration('modal.sync')) {
        live.update();
        decorations.update();
      }
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => live.update()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      lenses.update();
      live.update();
    }),
    vscode.tasks.onDidEndTask(({ execution }) => {
      if (execution.task.definition.type === TASK_TYPE) decorations.update();
    }),
  );
  return createApi(terminals, services);
}

/** Ends this window's sandboxes: nobody is left to use them. */
export async function deactivate(): Promise<void> {
  await shutDown?.();
}
