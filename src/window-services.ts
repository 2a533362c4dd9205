import { join } from 'node:path';
import * as vscode from 'vscode';
import { wallClock } from './base/clock.ts';
import { logError } from './base/log.ts';
import { accountModule } from './providers/account/module.ts';
import { Activity } from './providers/common/activity.ts';
import { readSettings, userInclude } from './providers/common/settings.ts';
import { ImageBuilds } from './providers/images/image-builds.ts';
import { permissionsModule } from './providers/permissions/module.ts';
import { FolderProfiles, profileRoot } from './providers/profiles/folder-profiles.ts';
import { budgetOfSettings } from './providers/warm/budget.ts';
import { WarmUpService } from './providers/warm/warm-up-service.ts';
import { DetachedRuns } from './run/detached/detached-runs.ts';
import { Handover } from './sandboxes/handover.ts';
import type { SandboxStarter } from './sandboxes/sandbox-starter.ts';
import { createCore, createMemory } from './service/core.ts';

/** Registers what ends with the window, and returns it. */
export type Add = <T extends vscode.Disposable>(each: T) => T;

/** The services of a window, from which its features are created. */
export type Services = ReturnType<typeof createServices>;

/** Creates the services. Makes no call and awaits nothing. */
export function createServices(context: vscode.ExtensionContext, add: Add) {
  const { workspaceState, globalState, globalStorageUri, secrets } = context;
  const storage = (name: string) => join(globalStorageUri.fsPath, name);
  const { accounts: account, access, forDoctor, onDidJoinLocalModal } = add(accountModule(context));
  const profiles = add(new FolderProfiles(workspaceState));
  const activity = add(new Activity());
  const images = add(new ImageBuilds(globalState, activity));
  const memory = createMemory(storage('machine'));
  const { machine } = memory;
  machine.join().catch(logError);
  const budget = budgetOfSettings(memory.spend);
  const prices = () => starter.prices;
  const permissions = add(permissionsModule({ machine, profiles, account, profileRoot, prices }));
  const core = createCore({
    ...memory,
    storage,
    account,
    budget,
    profile: (folder, name) => permissions.get(folder, name),
    profileRoot,
    userInclude: ({ path }) => userInclude(path),
    rules: ({ path }) => readSettings(vscode.Uri.file(path)).sync,
    starter: {
      gate: permissions.gate,
      app: () => readSettings().app,
      buildImage: (...build) => images.build(...build),
      outlivesWindow: (sandboxId) => detached.isIn(sandboxId),
    },
    syncs: { consent: (folder, recipient) => permissions.syncConsent(folder, recipient) },
    savesAutomatically: () => readSettings().savePoints.automatic,
    sessions: { handover: new Handover(machine), warm: { take: (folder, named) => warmUps.take(folder, named) } },
  });
  const { sessions, records, commands } = core;
  const starter: SandboxStarter = core.starter;
  const warmUps = new WarmUpService({ ...core, profiles: permissions, clock: wallClock, account });
  const detached = new DetachedRuns({ machine, records, sessions, commands, secrets, clock: wallClock });
  add(core.channels);
  add(core.forwards);
  const own = { account, profiles, permissions, activity, warmUps, detached };
  return { ...core, ...own, storage, access, forDoctor, onDidJoinLocalModal };
}

/** Ends what outlives a window only by plan, last of all the memory. */
export function endServices({ warmUps, sessions, syncs, machine }: Services): Promise<unknown> {
  return Promise.all([warmUps.end(), sessions.dispose()]).finally(() =>
    Promise.all([syncs.dispose(), machine.leave()]),
  );
}
