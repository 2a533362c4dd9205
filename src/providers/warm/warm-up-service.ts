import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import type { Event } from '../../base/events.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { Budget } from '../../sandboxes/cost/budget.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import { type PauseReason, pauseReasonFor } from '../../sandboxes/warm/pause-reason.ts';
import { WarmPool, type WarmSource, type WarmTarget } from '../../sandboxes/warm/pool.ts';
import { cleanCaches, poolDependencies } from '../../sandboxes/warm/pool-dependencies.ts';
import { isOnBattery } from '../../sandboxes/warm/power.ts';
import { type WarmUpRecord, WarmUps } from '../../sandboxes/warm/warm-ups.ts';
import type { AccountState } from '../common/account-state.ts';
import { diskFolderOf, diskFolders, syncedFolder } from '../common/folders.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';

/** A change is sent to waiting sandboxes once nothing has changed for so long. */
const QUIET_MS = 3_000;

/** Where windows tell each other that everything was stopped. */
const STOPPED = 'stopped.json';
const StoppedSchema = z.object({ at: z.number() });

export interface WarmUpServiceOptions {
  readonly starter: SandboxStarter;
  readonly syncs: FolderSyncs;
  readonly profiles: { get(folder: Folder): Promise<NamedProfile>; readonly onDidChange: Event<unknown> };
  readonly machine: MachineState;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly account: AccountState;
  readonly log: vscode.LogOutputChannel;
}

/** Warm-ups as VS Code sees them: which folders want them, what stands against them now, and what people are asked. */
export class WarmUpService implements WarmSource, vscode.Disposable {
  readonly #pool: WarmPool;
  readonly #warmUps: WarmUps;
  readonly #options: WarmUpServiceOptions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  #activeAt: number;
  #resumedAt: number;
  readonly #quiet = new Map<string, () => void>();
  /** Something that people see of warm-ups has changed. */
  readonly onDidChange = this.#changed.event;

  constructor(options: WarmUpServiceOptions) {
    this.#options = options;
    const { starter, syncs, clock, machine, log, account } = options;
    this.#activeAt = clock.now();
    this.#resumedAt = clock.now();
    this.#pool = new WarmPool(poolDependencies({ starter, syncs, clock, account: () => account.key }));
    this.#warmUps = new WarmUps({
      pool: this.#pool,
      machine,
      clock,
      random: Math.random,
      targets: () => this.targets(),
      pauseReason: (target) => this.#pauseReason(target),
      refreshImage: async ({ folder, named, warm }, signal) =>
        (await starter.image(folder, named, { force: warm.rebuild, signal })).image.imageId,
      cleanCaches,
      log: (line) => log.info(line),
    });
    const active = () => this.#wake();
    const changed = (uri: vscode.Uri) => this.#changedFile(uri);
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    this.#subscriptions = [
      this.#changed,
      this.#pool.onDidChange(() => this.#changed.fire()),
      this.#warmUps.onDidChange(() => this.#changed.fire()),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) active();
        this.update();
      }),
      vscode.window.onDidChangeTextEditorSelection(active),
      vscode.workspace.onDidChangeTextDocument(active),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.update()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.update()),
      watcher,
      watcher.onDidChange(changed),
      watcher.onDidCreate(changed),
      watcher.onDidDelete(changed),
      options.profiles.onDidChange(() => this.update()),
      onDidChangeSettings(() => this.update()),
    ];
    this.update();
  }

  dispose(): void {
    for (const cancel of this.#quiet.values()) cancel();
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Ends what is warm; the window goes. */
  end(): Promise<void> {
    return this.#warmUps.dispose();
  }

  /** Profiles, settings or the account have changed. */
  update(): void {
    void this.#warmUps.update();
  }

  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number {
    return this.#pool.count(folder, profileName);
  }

  /** Why warm-ups of a folder's profile are paused; undefined if they aren't. */
  pauseReason(folder: Folder, profileName: string): string | undefined {
    return this.#warmUps.pauseReason(folder, profileName);
  }

  /** The latest refreshes in all windows on this computer, newest first. */
  records(): Promise<readonly WarmUpRecord[]> {
    return this.#warmUps.records();
  }

  /** Takes a sandbox that is ready for a run, and starts its replacement. */
  take(folder: Folder, named: NamedProfile): ReturnType<WarmPool['take']> {
    this.#resumedAt = this.#options.clock.now();
    const sandbox = this.#pool.take(folder, named);
    const { warm } = named.profile;
    // The run goes first: the replacement is started when it has begun.
    if (warm) void sleep(1_000).then(() => this.#warmUps.replenish({ folder, named, warm }));
    return sandbox;
  }

  /** Nothing is kept warm, in any window of this machine, until somebody runs something there. */
  async stop(): Promise<void> {
    const { machine, clock } = this.#options;
    await machine.write(STOPPED, { at: clock.now() });
    await this.#warmUps.cancel();
    this.update();
  }

  /** What is to be kept warm: each folder's current profile, where it says so. */
  async targets(): Promise<readonly WarmTarget[]> {
    if (!vscode.workspace.isTrusted || !this.#options.account.isChosen) return [];
    const targets = await Promise.all(
      diskFolders().map(async (each): Promise<WarmTarget[]> => {
        try {
          const folder = syncedFolder(each);
          const named = await this.#options.profiles.get(folder);
          return named.profile.warm ? [{ folder, named, warm: named.profile.warm }] : [];
        } catch {
          // The Problems view and the next run say what is wrong with the profile.
          return [];
        }
      }),
    );
    return targets.flat();
  }

  async #pauseReason({ warm }: WarmTarget): Promise<PauseReason | undefined> {
    const { clock, machine, starter, budget } = this.#options;
    const { pauseAfterIdleMinutes, pauseOnBattery } = readSettings().warm;
    const now = clock.now();
    return pauseReasonFor(warm, {
      now,
      stoppedAt: (await machine.read(STOPPED, StoppedSchema))?.at,
      resumedAt: this.#resumedAt,
      isFocused: vscode.window.state.focused,
      idleMs: now - this.#activeAt,
      pauseAfterIdleMs: pauseAfterIdleMinutes * 60_000,
      pauseOnBattery,
      isOnBattery,
      isBudgetSpent: async () =>
        (await starter.connection()).account.isLocal !== true && (await budget.check()).level === 'spent',
    });
  }

  #wake(): void {
    const { clock } = this.#options;
    const wasIdle = clock.now() - this.#activeAt > 60_000;
    this.#activeAt = clock.now();
    if (wasIdle) this.update();
  }

  #changedFile(uri: vscode.Uri): void {
    const workspaceFolder = diskFolderOf(uri);
    if (!workspaceFolder || this.#pool.isEmpty) return;
    const folder = syncedFolder(workspaceFolder);
    this.#quiet.get(folder.path)?.();
    const sync = () => {
      this.#quiet.delete(folder.path);
      this.#warmUps.sync(folder).catch((error) => this.#options.log.info(`Warm-ups: ${explainAndLog(error)}`));
    };
    this.#quiet.set(folder.path, this.#options.clock.after(QUIET_MS, sync));
  }
}
