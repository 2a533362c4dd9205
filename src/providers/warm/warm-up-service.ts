import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import type { Event } from '../../base/events.ts';
import { explainAndLog } from '../../modal/errors.ts';
import { formatUsd } from '../../modal/prices.ts';
import { hardwareOf } from '../../profiles/hardware.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import { type BudgetState, budgetState } from '../../sandboxes/cost/budget.ts';
import type { SpendRecord } from '../../sandboxes/cost/spend.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Machine } from '../../sandboxes/machine-state.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { type Obstacle, obstacleTo } from '../../sandboxes/warm/pause-reason.ts';
import { WarmPool, type WarmTarget } from '../../sandboxes/warm/pool.ts';
import { cleanCaches, poolParts } from '../../sandboxes/warm/pool-dependencies.ts';
import { isOnBattery } from '../../sandboxes/warm/power.ts';
import { type WarmUpRecord, WarmUps } from '../../sandboxes/warm/warm-ups.ts';
import type { AccountState } from '../common/account-state.ts';
import { diskFolderOf, diskFolders, syncedFolder } from '../common/folders.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';

/** A change is sent to waiting sandboxes once nothing has changed for so long. */
const QUIET_MS = 3_000;
/** A start that takes longer counts as one that made somebody wait. */
const COLD_START_MS = 5_000;
/** After so many of them a person is asked whether to keep a sandbox ready. */
const COLD_STARTS = 3;
const COLD_STARTS_KEY = 'coldStarts';

/** Where windows tell each other that everything was stopped. */
const STOPPED = 'stopped.json';
const StoppedSchema = z.object({ at: z.number() });

const START = 'Start a Sandbox';
const KEEP_READY = 'Keep One Ready';
const NO = 'No';

export interface WarmUpServiceOptions {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  readonly profiles: { get(folder: Folder): Promise<NamedProfile>; readonly onDidChange: Event<unknown> };
  readonly machine: Machine;
  readonly spend: SpendRecord;
  readonly clock: Clock;
  /** What all windows remember. */
  readonly memory: vscode.Memento;
  readonly account: AccountState;
  readonly log: vscode.LogOutputChannel;
  /** Writes `warm` into a profile of the folder. */
  readonly keepWarm: (folder: Folder, profileName: string) => Promise<void>;
}

/** Warm-ups as VS Code sees them: which folders want them, what stands against them now, and what people are asked. */
export class WarmUpService implements vscode.Disposable {
  readonly #pool: WarmPool;
  readonly #warmUps: WarmUps;
  readonly #options: WarmUpServiceOptions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  #activeAt: number;
  #resumedAt: number;
  #warnedLevel: BudgetState['level'] = 'ok';
  readonly #quiet = new Map<string, () => void>();
  /** Something that people see of warm-ups has changed. */
  readonly onDidChange = this.#changed.event;

  constructor(options: WarmUpServiceOptions) {
    this.#options = options;
    const { sessions, syncs, clock, machine, log, account } = options;
    this.#activeAt = clock.now();
    this.#resumedAt = clock.now();
    const onChange = () => this.#changed.fire();
    this.#pool = new WarmPool(poolParts({ sessions, syncs, clock, account: () => account.key, onChange }));
    this.#warmUps = new WarmUps({
      pool: this.#pool,
      machine,
      clock,
      random: Math.random,
      targets: () => this.targets(),
      obstacle: (target) => this.#obstacle(target),
      refreshImage: async ({ folder, named, warm }, signal) =>
        (await sessions.image(folder, named, { force: warm.rebuild, signal })).image.imageId,
      cleanCaches,
      log: (line) => log.info(line),
      onChange,
    });
    const active = () => this.#wake();
    const changed = (uri: vscode.Uri) => this.#changedFile(uri);
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    this.#subscriptions = [
      this.#changed,
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

  /** Throws `UserError` when the budget is spent and nobody says that a sandbox shall be started all the same. */
  async requireBudget(): Promise<void> {
    const state = await this.budget();
    if (state.level !== 'spent') return;
    const question = `${state.words}. Start a sandbox all the same?`;
    if ((await vscode.window.showWarningMessage(question, { modal: true }, START)) === START) return;
    throw new UserError(`${state.words}, so no sandbox was started. Raise the limit in modal.budget, or run tomorrow.`);
  }

  /** What is spent, and how that stands to the limits; warns once when it comes near to one. */
  async budget(): Promise<BudgetState> {
    const { perDay: perDayUsd, perHour: perHourUsd } = readSettings().budget;
    const state = await budgetState(this.#options.spend, { perDayUsd, perHourUsd });
    if (state.level !== this.#warnedLevel && state.level !== 'ok')
      void vscode.window.showWarningMessage(
        state.level === 'near'
          ? `${state.words}.`
          : `${state.words}. Warm-ups stop, and runs ask before they start a sandbox.`,
      );
    this.#warnedLevel = state.level;
    return state;
  }

  /** Nothing is kept warm, in any window of this machine, until somebody runs something there. */
  async stop(): Promise<void> {
    const { machine, clock } = this.#options;
    await machine.write(STOPPED, { at: clock.now() });
    await this.#warmUps.callOff();
    this.update();
  }

  /** A run had to wait for a sandbox. After the third long wait asks, once for all, whether to keep one ready. */
  async coldStart(folder: Folder, { name, profile }: NamedProfile, durationMs: number): Promise<void> {
    const { memory, keepWarm } = this.#options;
    const before = memory.get<number>(COLD_STARTS_KEY, 0);
    if (durationMs < COLD_START_MS || profile.warm || before >= COLD_STARTS) return;
    await memory.update(COLD_STARTS_KEY, before + 1);
    if (before + 1 < COLD_STARTS) return;
    const price = this.#options.sessions.prices.perHourUsd(hardwareOf(profile));
    const cost = price === undefined ? 'It costs' : `It costs about ${formatUsd(price)} an hour`;
    const question = `Sandboxes of the profile “${name}” took long to start three times. Keep one ready while this window is in front? ${cost} while it waits.`;
    if ((await vscode.window.showInformationMessage(question, KEEP_READY, NO)) === KEEP_READY)
      await keepWarm(folder, name);
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

  async #obstacle({ warm }: WarmTarget): Promise<Obstacle | undefined> {
    const { clock, machine, sessions } = this.#options;
    const { pauseAfterIdleMinutes, pauseOnBattery } = readSettings().warm;
    const now = clock.now();
    return obstacleTo(warm, {
      now,
      stoppedAt: (await machine.read(STOPPED, StoppedSchema))?.at,
      resumedAt: this.#resumedAt,
      isFocused: vscode.window.state.focused,
      idleMs: now - this.#activeAt,
      pauseAfterIdleMs: pauseAfterIdleMinutes * 60_000,
      pauseOnBattery,
      isOnBattery,
      isBudgetSpent: async () =>
        (await sessions.connection()).account.isLocal !== true && (await this.budget()).level === 'spent',
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
