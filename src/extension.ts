import * as vscode from 'vscode';
import type { SandboxesApi } from './api/api.ts';
import { configureLocalization } from './base/localization.ts';
import { agentsModule } from './providers/agents/module.ts';
import { apiModule } from './providers/api/module.ts';
import { unsavedPaths, workspaceFolderPaths, workspaceFolders } from './providers/common/folders.ts';
import { debugModule } from './providers/debug/module.ts';
import { doctorModule } from './providers/doctor/module.ts';
import { filesModule } from './providers/files/module.ts';
import { imagesModule } from './providers/images/module.ts';
import { lifecycleModule } from './providers/lifecycle/module.ts';
import { logModule, versionsOf } from './providers/log/module.ts';
import { portsModule } from './providers/ports/module.ts';
import { profilesModule } from './providers/profiles/module.ts';
import { runModule } from './providers/run/module.ts';
import { sshModule } from './providers/ssh/module.ts';
import { syncModule } from './providers/sync/module.ts';
import { testingModule } from './providers/testing/module.ts';
import { warmModule } from './providers/warm/module.ts';
import type { RunRequest } from './run/request.ts';
import type { RunServices } from './run/services.ts';
import { runsModule } from './views/runs/module.ts';
import { sandboxesModule } from './views/sandboxes/module.ts';
import { snapshotsModule } from './views/snapshots/module.ts';
import { statusBarModule } from './views/status-bar/module.ts';
import { volumesModule } from './views/volumes/module.ts';
import { warmUpsModule } from './views/warm/module.ts';
import { type Add, createServices, endServices } from './window-services.ts';

let shutDown: (() => Promise<unknown>) | undefined;

/**
 * Creates the services, and then the features, each from those above it. Makes no call and awaits nothing: the SDK
 * is loaded by the first run or view, or when a window that has restarted takes back its sandboxes.
 */
export function activate(context: vscode.ExtensionContext): SandboxesApi {
  configureLocalization(vscode.l10n.bundle);
  const { subscriptions, workspaceState, globalState, globalStorageUri, extensionPath } = context;
  const add: Add = (each) => {
    subscriptions.push(each);
    return each;
  };
  add(logModule(context));
  const services = createServices(context, add);
  shutDown = () => endServices(services);
  const { sessions, starter, machine, storage, forDoctor } = services;
  // Work for which an account must have been chosen.
  const chosen = { ...services, account: services.access };

  const sync = add(syncModule(services));
  const showWhile: RunServices['showWhile'] = (text, work) => services.activity.showWhile(text, work);
  const runs = { ...services, ask: sync.ask, unsaved: unsavedPaths, showWhile } satisfies RunServices;
  const run = add(runModule({ ...chosen, services: runs, syncRules: sync.rules }));
  const { requests, openTerminal, onDidWriteOutput } = run;
  const { addSsh, addPackage, mount, keepWarm } = add(profilesModule({ ...services, warm: services.warmUps }));
  const createTerminal = (request: () => Promise<RunRequest>) => run.terminals.createForProgram(request);
  const debug = { requests, rules: sync.rules, run: run.run, createTerminal, addPackage };
  add(debugModule({ ...chosen, ...debug, runs }));
  add(testingModule({ ...chosen, services: runs, requests, memory: workspaceState, addPackage }));
  add(warmModule({ ...services, memory: globalState, keepWarm }));
  add(imagesModule(services));
  const { openInExplorer, volumes: fileSystem, onDidChangeVolume: onDidChangeFiles } = add(filesModule(services));
  const ssh = { path: storage('ssh'), localModalDir: storage('local-modal'), extensionPath };
  const { connections } = add(sshModule({ ...services, ...ssh, folders: workspaceFolders, addSsh, ask: sync.ask }));
  add(agentsModule(context, services.account));
  const { onDidChangeSnapshots } = add(lifecycleModule(services));
  add(volumesModule({ ...services, fileSystem, onDidChangeFiles, mount }));
  const { onDidStartSandbox } = add(snapshotsModule({ ...services, folders: workspaceFolders, onDidChangeSnapshots }));
  const { ports } = add(portsModule({ ...services, memory: workspaceState, onDidWriteOutput }));
  const rows = { openTerminal, openInExplorer, onDidStartSandbox, ports, ssh: connections };
  add(sandboxesModule({ ...services, ...rows, state: globalState, folderPaths: workspaceFolderPaths }));
  add(warmUpsModule(services));
  add(runsModule({ ...services, isOpen: (windowId) => machine.isAlive(windowId) }));
  const readIsolation = async () => (await forDoctor.localModal())?.isolation;
  const isolation = { read: readIsolation, onDidChange: services.onDidJoinLocalModal };
  add(statusBarModule({ ...services, isolation }));
  const folders = [globalStorageUri, context.storageUri].flatMap((uri) => uri?.fsPath ?? []);
  add(
    doctorModule({ ...forDoctor, versions: versionsOf(context), starter, state: services.account, storage: folders }),
  );
  void sessions.takeOver(workspaceFolderPaths()).then(() => starter.endings?.sweep());
  return apiModule({ services: runs, onDidWriteOutput });
}

/** Terminates this window's sandboxes, which no one else uses. */
export async function deactivate(): Promise<void> {
  await shutDown?.();
}
