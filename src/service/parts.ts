import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, wallClock } from '../base/clock.ts';
import { writePrivateFile } from '../base/private-files.ts';
import { reportUnsaved } from '../base/unsaved.ts';
import { Channels } from '../channel/channels.ts';
import { Forwards } from '../channel/forwards.ts';
import { buildImage } from '../images/build.ts';
import { StoredImages } from '../images/stored-images.ts';
import { LocalModalLauncher } from '../modal/local-modal.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { keepOf } from '../profiles/schema.ts';
import { RunRecords } from '../run/records/run-records.ts';
import { RunningCommands } from '../run/running-commands.ts';
import { Budget } from '../sandboxes/cost/budget.ts';
import { SpendRecord } from '../sandboxes/cost/spend.ts';
import { type Folder, syncedFolder } from '../sandboxes/folder.ts';
import { FolderSyncs } from '../sandboxes/folder-syncs.ts';
import { MachineState } from '../sandboxes/machine-state.ts';
import { Permissions } from '../sandboxes/permissions/permissions.ts';
import { PermissionStore } from '../sandboxes/permissions/store.ts';
import { syncConsent } from '../sandboxes/permissions/sync-consent.ts';
import type { BuildImage } from '../sandboxes/sandbox-spec.ts';
import { SandboxStarter } from '../sandboxes/sandbox-starter.ts';
import { Sessions } from '../sandboxes/sessions.ts';
import { SharedSandboxes } from '../sandboxes/shared-sandboxes.ts';
import { Snapshots } from '../snapshots/snapshots.ts';
import { ServiceAccount } from './account.ts';
import { type BuildArguments, profilesOf, withBuildArguments } from './profiles.ts';
import type { Questions } from './questions.ts';
import type { FolderSettings } from './settings.ts';

export interface PartsOptions {
  /** The workspace folder. An absolute path without links. */
  readonly root: Folder;
  readonly settings: FolderSettings;
  /** The folder for everything that is remembered. */
  readonly stateFolder: string;
  /** The folder with the bundle of Local Modal. */
  readonly distFolder: string;
  /** The account, as a value of `modal.account`. */
  readonly account: string;
  /** The profile that the user has chosen; undefined for the folder's default. */
  readonly profile: string | undefined;
  readonly build: BuildArguments;
  readonly questions: Questions;
  /** Receives the logs of image builds. */
  onBuildLog?(text: string): void;
}

/** The same parts that the extension consists of, put together without VS Code. */
export type Parts = ReturnType<typeof createParts>;

export function createParts({ root, settings: folderSettings, questions, ...options }: PartsOptions) {
  const { settings, userInclude } = folderSettings;
  const storage = (name: string) => join(options.stateFolder, name);
  const folder = syncedFolder(root, settings.sync.root);
  const localModal = new LocalModalLauncher(() => ({
    serverPath: join(options.distFolder, 'local-modal.cjs'),
    dataDir: storage('local-modal'),
    ...settings.localModal,
    keepsSandboxes: true,
  }));
  const account = new ServiceAccount(options.account, () => localModal.account());
  const machine = new MachineState(storage('machine'));
  const spend = new SpendRecord(machine, wallClock, systemClock);
  const budget = new Budget({
    spend,
    limits: () => ({ perDayUsd: settings.budget.perDay, perHourUsd: settings.budget.perHour }),
    confirm: ({ summary }) => questions.ofBudget(summary),
  });
  const answers = new PermissionStore(machine);
  const permissions = new Permissions(answers, questions.ofProfile);
  const profiles = () => profilesOf(root.path, folderSettings);
  const profile = async (_folder: Folder, name?: string): Promise<NamedProfile> => {
    const all = await profiles();
    const chosen = name ?? options.profile;
    if (chosen !== undefined && !all.names.includes(chosen)) all.get(chosen);
    const named = withBuildArguments(withoutWindow(all.inUse(chosen)), options.build);
    const accountId = await account.id().catch(() => undefined);
    return accountId === undefined ? named : permissions.applied({ root: root.path, accountId, named });
  };
  const commands = new RunningCommands();
  const build: BuildImage = async (image, context, finish) => {
    const { onBuildLog } = options;
    const watch = { signal: context.signal, ...(onBuildLog && { onLog: onBuildLog }) };
    const built = await buildImage(image, {
      store: imageStore(storage('images.json')),
      ...context,
      ...(onBuildLog && { onLog: onBuildLog }),
    });
    return finish ? finish(built, watch) : built;
  };
  const starter = new SandboxStarter({
    gate: permissions,
    userInclude: () => userInclude,
    account: () => account.current(),
    app: () => settings.app,
    profileRoot: () => root.path,
    buildImage: build,
    machine,
    shared: new SharedSandboxes(machine),
    spend,
    accountOf: (choice) => account.of(choice),
    isBusy: (sandboxId) => commands.in(sandboxId).length > 0,
  });
  const sessions = new Sessions({ starter, profile, budget });
  const syncs = new FolderSyncs({
    storageDir: () => storage('sync'),
    rules: () => ({ ...settings.sync, userInclude }),
    consent: (of, recipient) => syncConsent(permissions, root.path, of, recipient),
    isLocal: () => account.isLocal,
  });
  const channels = new Channels({ client: async () => (await sessions.connection()).client });
  const records = new RunRecords({
    dir: storage('runs'),
    windowId: machine.windowId,
    isShortLived: true,
    clock: wallClock,
    profile,
    root: () => root.path,
  });
  return {
    root,
    folder,
    settings,
    account,
    answers,
    machine,
    localModal,
    starter,
    sessions,
    syncs,
    spend,
    budget,
    commands,
    records,
    channels,
    forwards: new Forwards(channels),
    snapshots: new Snapshots(async () => (await sessions.connection()).client),
    profiles,
    profile,
    ask: questions.ofSync,
  };
}

/** Returns a profile without what only a window does: keep sandboxes running, and move to new ones. */
function withoutWindow(named: NamedProfile): NamedProfile {
  const { warm: _, ...profile } = named.profile;
  return { ...named, profile: { ...profile, keep: keepOf(named.profile), carryOver: false } };
}

/** Remembers images in a file. */
function imageStore(path: string): StoredImages {
  return new StoredImages({
    read: () => {
      try {
        return JSON.parse(readFileSync(path, 'utf8'));
      } catch {
        return undefined;
      }
    },
    write: (images) => void writePrivateFile(path, JSON.stringify(images)).catch(reportUnsaved),
  });
}
