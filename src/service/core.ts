import { systemClock, wallClock } from '../base/clock.ts';
import { Channels } from '../channel/channels.ts';
import { Forwards } from '../channel/forwards.ts';
import type { Account } from '../modal/accounts.ts';
import { RunRecords, type RunRecordsOptions } from '../run/records/run-records.ts';
import { RunningCommands } from '../run/running-commands.ts';
import type { Budget } from '../sandboxes/cost/budget.ts';
import { SpendRecord } from '../sandboxes/cost/spend.ts';
import type { Folder } from '../sandboxes/folder.ts';
import { type FolderSyncDependencies, FolderSyncs } from '../sandboxes/folder-syncs.ts';
import { MachineState } from '../sandboxes/machine-state.ts';
import { SandboxStarter } from '../sandboxes/sandbox-starter.ts';
import { SavePoints } from '../sandboxes/save-points.ts';
import { type SessionDependencies, Sessions } from '../sandboxes/sessions.ts';
import type { StarterDependencies } from '../sandboxes/starts.ts';
import { Snapshots } from '../snapshots/snapshots.ts';

/** What is remembered on this computer for all windows and processes. */
export interface Memory {
  readonly machine: MachineState;
  readonly spend: SpendRecord;
}

/** Creates the memory in a folder of the state. Makes no call and reads nothing. */
export function createMemory(folder: string): Memory {
  const machine = new MachineState(folder);
  return { machine, spend: new SpendRecord(machine, wallClock, systemClock) };
}

/** What a window and a process without one provide in their own ways. */
export interface CoreHost extends Memory {
  /** Returns a path in the folder for everything that is remembered. */
  storage(name: string): string;
  readonly account: {
    /** True if sandboxes run on this computer. */
    readonly isLocal: boolean;
    current(): Promise<Account>;
    of(choice: string): Promise<Account>;
  };
  readonly budget: Budget;
  readonly profile: SessionDependencies['profile'];
  profileRoot(folder: Folder): string;
  userInclude(folder: Folder): readonly string[];
  /** The rules of a folder's sync, without the user's own patterns. */
  rules(folder: Folder): Omit<ReturnType<FolderSyncDependencies['rules']>, 'userInclude'>;
  readonly starter: Pick<StarterDependencies, 'app' | 'gate' | 'buildImage' | 'shared' | 'outlivesWindow'>;
  readonly syncs: Pick<FolderSyncDependencies, 'consent'>;
  /** Returns whether save points are taken without being asked for. */
  savesAutomatically(): boolean;
  readonly sessions?: Pick<SessionDependencies, 'handover' | 'warm'>;
  readonly records?: Pick<RunRecordsOptions, 'isShortLived'>;
}

/** The parts that the product consists of, with a window and without. */
export type Core = ReturnType<typeof createCore>;

/** Puts the parts together. Makes no call. */
export function createCore(host: CoreHost) {
  const { storage, account, machine, spend, budget, profile, profileRoot, userInclude } = host;
  const commands = new RunningCommands();
  const records = new RunRecords({
    dir: storage('runs'),
    windowId: machine.windowId,
    clock: wallClock,
    profile,
    root: profileRoot,
    ...host.records,
  });
  const starter = new SandboxStarter({
    ...host.starter,
    userInclude,
    account: () => account.current(),
    profileRoot,
    machine,
    spend,
    accountOf: (choice) => account.of(choice),
    isBusy: (sandboxId) => commands.in(sandboxId).length > 0,
  });
  const syncs = new FolderSyncs({
    ...host.syncs,
    // The same for all windows: a folder is the same one after VS Code adds a second folder to its window.
    storageDir: () => storage('sync'),
    rules: (folder) => ({ ...host.rules(folder), userInclude: userInclude(folder) }),
    isLocal: () => account.isLocal,
    beforeLoss: (_, sandbox) => savePoints.saveBefore(sandbox),
  });
  const sessions = new Sessions({ ...host.sessions, starter, profile, budget });
  const client = async () => (await sessions.connection()).client;
  const channels = new Channels({ client });
  const forwards = new Forwards(channels);
  const snapshots = new Snapshots(client);
  const savePoints = new SavePoints({ sessions, snapshots, isAutomatic: () => host.savesAutomatically() });
  const files = { syncs, snapshots, savePoints };
  return { machine, spend, budget, commands, records, starter, sessions, channels, forwards, ...files };
}
