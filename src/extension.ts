import { join } from 'node:path';
import * as vscode from 'vscode';
import type { SandboxesApi } from './api/api.ts';
import { systemClock, wallClock } from './base/clock.ts';
import { configureLocalization } from './base/localization.ts';
import { logError } from './base/log.ts';
import { Channels } from './channel/channels.ts';
import { Forwards } from './channel/forwards.ts';
import { accountModule } from './providers/account/module.ts';
import { agentsModule } from './providers/agents/module.ts';
import { apiModule } from './providers/api/module.ts';
import { Activity } from './providers/common/activity.ts';
import { unsavedPaths, workspaceFolderPaths, workspaceFolders } from './providers/common/folders.ts';
import { readSettings, userInclude } from './providers/common/settings.ts';
import { debugModule } from './providers/debug/module.ts';
import { doctorModule } from './providers/doctor/module.ts';
import { filesModule } from './providers/files/module.ts';
import { ImageBuilds } from './providers/images/image-builds.ts';
import { imagesModule } from './providers/images/module.ts';
import { lifecycleModule } from './providers/lifecycle/module.ts';
import { logModule, versionsOf } from './providers/log/module.ts';
import { permissionsModule } from './providers/permissions/module.ts';
import { portsModule } from './providers/ports/module.ts';
import { FolderProfiles, profileRoot } from './providers/profiles/folder-profiles.ts';
import { profilesModule } from './providers/profiles/module.ts';
import { runModule } from './providers/run/module.ts';
import { sshModule } from './providers/ssh/module.ts';
import { syncModule } from './providers/sync/module.ts';
import { testingModule } from './providers/testing/module.ts';
import { budgetOfSettings } from './providers/warm/budget.ts';
import { warmModule } from './providers/warm/module.ts';
import { WarmUpService } from './providers/warm/warm-up-service.ts';
import { DetachedRuns } from './run/detached/detached-runs.ts';
import { RunRecords } from './run/records/run-records.ts';
import { RunningCommands } from './run/running-commands.ts';
import type { RunServices } from './run/services.ts';
import { SpendRecord } from './sandboxes/cost/spend.ts';
import { FolderSyncs } from './sandboxes/folder-syncs.ts';
import { Handover } from './sandboxes/handover.ts';
import { MachineState } from './sandboxes/machine-state.ts';
import { SandboxStarter } from './sandboxes/sandbox-starter.ts';
import { SavePoints } from './sandboxes/save-points.ts';
import { type SessionDependencies, Sessions } from './sandboxes/sessions.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { runsModule } from './views/runs/module.ts';
import { sandboxesModule } from './views/sandboxes/module.ts';
import { snapshotsModule } from './views/snapshots/module.ts';
import { statusBarModule } from './views/status-bar/module.ts';
import { volumesModule } from './views/volumes/module.ts';
import { warmUpsModule } from './views/warm/module.ts';

let shutDown: (() => Promise<unknown>) | undefined;

/**
 * Creates the services, and then the features, each from those above it. Makes no call and awaits nothing: the SDK
 * is loaded by the first run or view, or when a window that has restarted takes back its sandboxes.
 */
export function activate(context: vscode.ExtensionContext): SandboxesApi {
  configureLocalization(vscode.l10n.bundle);
  const { subscriptions, workspaceState, globalState, globalStorageUri, extensionPath } = context;
  const storage = (name: string) => join(globalStorageUri.fsPath, name);
  const add = <T extends vscode.Disposable>(each: T): T => {
    subscriptions.push(each);
    return each;
  };

  add(logModule(context));
  const { accounts: account, access, forDoctor, onDidJoinLocalModal } = add(accountModule(context));
  const profiles = add(new FolderProfiles(workspaceState));
  const activity = add(new Activity());
  const images = add(new ImageBuilds(globalState, activity));
  const machine = new MachineState(storage('machine'));
  machine.join().catch(logError);
  const spend = new SpendRecord(machine, wallClock, systemClock);
  const budget = budgetOfSettings(spend);
  const commands = new RunningCommands();
  const records = new RunRecords({
    dir: storage('runs'),
    windowId: machine.windowId,
    clock: wallClock,
    profile: (folder, name) => permissions.get(folder, name),
    root: profileRoot,
  });
  const prices = () => starter.prices;
  const permissions = add(permissionsModule({ machine, profiles, account, profileRoot, prices }));
  const starter: SandboxStarter = new SandboxStarter({
    gate: permissions.gate,
    userInclude: ({ path }) => userInclude(path),
    account: () => account.current(),
    app: () => readSettings().app,
    profileRoot,
    buildImage: (...build) => images.build(...build),
    machine,
    spend,
    accountOf: (choice) => account.of(choice),
    isBusy: (sandboxId) => commands.in(sandboxId).length > 0,
    outlivesWindow: (sandboxId) => detached.isIn(sandboxId),
  });
  const syncs = new FolderSyncs({
    // Not the workspace's own storage: a folder is the same one after VS Code adds a second folder to its window.
    storageDir: () => storage('sync'),
    rules: ({ path }) => ({ ...readSettings(vscode.Uri.file(path)).sync, userInclude: userInclude(path) }),
    consent: (folder, recipient) => permissions.syncConsent(folder, recipient),
    isLocal: () => account.isLocal,
    beforeLoss: (_, sandbox) => savePoints.saveBefore(sandbox),
  });
  const warmUps = new WarmUpService({
    starter,
    syncs,
    profiles: permissions,
    machine,
    budget,
    clock: wallClock,
    account,
  });
  const profile: SessionDependencies['profile'] = (folder, name) => permissions.get(folder, name);
  const sessions = new Sessions({ starter, profile, handover: new Handover(machine), warm: warmUps, budget });
  const { secrets } = context;
  const detached = new DetachedRuns({ machine, records, sessions, commands, secrets, clock: wallClock });
  const channels = add(new Channels({ client: async () => (await sessions.connection()).client }));
  const forwards = add(new Forwards(channels));
  const snapshots = new Snapshots(async () => (await sessions.connection()).client);
  const isAutomatic = () => readSettings().savePoints.automatic;
  const savePoints = new SavePoints({ sessions, snapshots, isAutomatic });
  const shared = {
    starter,
    sessions,
    syncs,
    account,
    profiles,
    permissions,
    warmUps,
    snapshots,
    savePoints,
    commands,
    budget,
    channels,
    forwards,
  };
  shutDown = () =>
    Promise.all([warmUps.end(), sessions.dispose()]).finally(() => Promise.all([syncs.dispose(), machine.leave()]));

  const sync = add(syncModule(shared));
  const showWhile: RunServices['showWhile'] = (text, work) => activity.showWhile(text, work);
  const recording = { commands, records, detached };
  const services: RunServices = { sessions, syncs, ask: sync.ask, unsaved: unsavedPaths, ...recording, showWhile };
  const run = add(runModule({ ...shared, account: access, services, syncRules: sync.rules, ...recording }));
  const { addSsh, addPackage, mount, keepWarm } = add(profilesModule({ ...shared, warm: warmUps }));
  add(
    debugModule({
      ...shared,
      runs: services,
      requests: run.requests,
      account: access,
      rules: sync.rules,
      createTerminal: (request) => run.terminals.createForProgram(request),
      run: run.run,
      addPackage,
    }),
  );
  add(
    testingModule({ ...shared, services, requests: run.requests, account: access, memory: workspaceState, addPackage }),
  );
  add(warmModule({ ...shared, memory: globalState, keepWarm }));
  add(imagesModule(shared));
  const { openInExplorer, volumes: fileSystem, onDidChangeVolume: onDidChangeFiles } = add(filesModule(shared));
  const ssh = { path: storage('ssh'), localModalDir: storage('local-modal'), extensionPath };
  const { connections } = add(sshModule({ ...shared, ...ssh, folders: workspaceFolders, addSsh, ask: sync.ask }));
  add(agentsModule(context, account));
  const { onDidChangeSnapshots } = add(lifecycleModule(shared));
  add(volumesModule({ ...shared, fileSystem, onDidChangeFiles, mount }));
  const { onDidStartSandbox } = add(snapshotsModule({ ...shared, folders: workspaceFolders, onDidChangeSnapshots }));
  const { openTerminal, onDidWriteOutput } = run;
  const { ports } = add(portsModule({ ...shared, memory: workspaceState, onDidWriteOutput }));
  add(
    sandboxesModule({
      ...shared,
      state: globalState,
      folderPaths: workspaceFolderPaths,
      openTerminal,
      openInExplorer,
      onDidStartSandbox,
      ports,
      ssh: connections,
    }),
  );
  add(warmUpsModule(shared));
  add(runsModule({ records, detached, isOpen: (windowId) => machine.isAlive(windowId) }));
  const readIsolation = async () => (await forDoctor.localModal())?.isolation;
  const isolation = { read: readIsolation, onDidChange: onDidJoinLocalModal };
  add(statusBarModule({ ...shared, activity, isolation }));
  const folders = [globalStorageUri, context.storageUri].filter((uri) => uri !== undefined);
  const versions = versionsOf(context);
  add(doctorModule({ ...forDoctor, versions, starter, state: account, storage: folders.map(({ fsPath }) => fsPath) }));
  void sessions.takeOver(workspaceFolderPaths()).then(() => starter.endings?.sweep());
  return apiModule({ services: { ...services, forwards }, onDidWriteOutput });
}

/** Terminates this window's sandboxes, which no one else uses. */
export async function deactivate(): Promise<void> {
  await shutDown?.();
}
