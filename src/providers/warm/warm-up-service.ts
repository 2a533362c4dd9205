import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Clock } from '../../base/clock.ts';
import type { Event } from '../../base/events.ts';
import { logInfo } from '../../base/log.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { Budget } from '../../sandboxes/cost/budget.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import type { PauseReason } from '../../sandboxes/warm/pause-reason.ts';
import { WarmPool, type WarmSource, type WarmTarget } from '../../sandboxes/warm/pool.ts';
import { cleanCaches, poolDependencies } from '../../sandboxes/warm/pool-dependencies.ts';
import { type WarmUpRecord, WarmUps } from '../../sandboxes/warm/warm-ups.ts';
import type { AccountState } from '../common/account-state.ts';
import { onDidChangeSettings } from '../common/settings.ts';
import { FolderChanges } from './folder-changes.ts';
import { PauseConditions } from './pause-conditions.ts';
import { warmTargets } from './warm-targets.ts';
import { WindowActivity } from './window-activity.ts';

/** A warm sandbox is replaced this long after it was taken, so that the run starts first. */
const REPLACE_AFTER_MS = 1_000;

export interface WarmUpServiceDependencies {
  readonly starter: SandboxStarter;
  readonly syncs: FolderSyncs;
  readonly profiles: {
    get(folder: Folder): Promise<NamedProfile>;
    /** Returns whether the user has allowed everything that a folder's profile causes. */
    isAllowed(folder: Folder, named: NamedProfile): Promise<boolean>;
    readonly onDidChange: Event<unknown>;
  };
  readonly machine: MachineState;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly account: AccountState;
}

/** Keeps sandboxes warm for the folders of this window. */
export class WarmUpService implements WarmSource, vscode.Disposable {
  readonly #dependencies: WarmUpServiceDependencies;
  readonly #pool: WarmPool;
  readonly #warmUps: WarmUps;
  readonly #conditions: PauseConditions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: { dispose(): void }[];
  /** Fires when the warm sandboxes, pause reasons, or records have changed. */
  readonly onDidChange = this.#changed.event;

  constructor(dependencies: WarmUpServiceDependencies) {
    this.#dependencies = dependencies;
    const { starter, syncs, profiles, machine, budget, clock, account } = dependencies;
    const activity = new WindowActivity(clock);
    const changes = new FolderChanges({
      clock,
      isNeeded: () => !this.#pool.isEmpty,
      onChange: (folder) => this.#sync(folder),
    });
    this.#conditions = new PauseConditions({ profiles, starter, machine, budget, clock, activity });
    this.#pool = new WarmPool(poolDependencies({ starter, syncs, clock, account: () => account.key }));
    this.#warmUps = new WarmUps({
      pool: this.#pool,
      machine,
      clock,
      random: Math.random,
      targets: async () => {
        const targets = await this.targets();
        changes.watch(targets.length > 0);
        return targets;
      },
      pauseReason: (target) => this.#conditions.reasonFor(target),
      refreshImage: async ({ folder, named, warm }, signal) =>
        (await starter.image(folder, named, { force: warm.rebuild, isUnattended: true, signal })).image.imageId,
      cleanCaches,
      log: logInfo,
    });
    const update = () => void this.#warmUps.update();
    this.#subscriptions = [
      this.#changed,
      activity,
      changes,
      this.#pool.onDidChange(() => this.#changed.fire()),
      this.#warmUps.onDidChange(() => this.#changed.fire()),
      activity.onDidChange(update),
      profiles.onDidChange(update),
      onDidChangeSettings(update),
      vscode.workspace.onDidChangeWorkspaceFolders(update),
      vscode.workspace.onDidGrantWorkspaceTrust(update),
    ];
    update();
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Terminates the warm sandboxes, before the window closes. */
  end(): Promise<void> {
    return this.#warmUps.dispose();
  }

  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number {
    return this.#pool.count(folder, profileName);
  }

  /** Why warm-ups of a folder's profile are paused; undefined if they aren't. */
  pauseReason(folder: Folder, profileName: string): PauseReason | undefined {
    return this.#warmUps.pauseReason(folder, profileName);
  }

  /** The latest refreshes in all windows on this computer, newest first. */
  records(): Promise<readonly WarmUpRecord[]> {
    return this.#warmUps.records();
  }

  /** The folders of this window whose current profile asks for warm sandboxes. */
  targets(): Promise<readonly WarmTarget[]> {
    return warmTargets(this.#dependencies);
  }

  /** Takes a warm sandbox for a run, if there is one, and replaces it. */
  take(folder: Folder, named: NamedProfile): ReturnType<WarmPool['take']> {
    this.#conditions.resume();
    const sandbox = this.#pool.take(folder, named);
    const { warm } = named.profile;
    if (warm) void sleep(REPLACE_AFTER_MS).then(() => this.#warmUps.replenish({ folder, named, warm }));
    return sandbox;
  }

  /** Stops warm-ups in all windows on this computer, in each until its next run. Needs no connection. */
  async stop(): Promise<void> {
    await this.#conditions.stop();
    await this.#warmUps.cancel();
    void this.#warmUps.update();
  }

  #sync(folder: Folder): void {
    this.#warmUps.sync(folder).catch((error) => logInfo(`Warm-ups: ${explainAndLog(error)}`));
  }
}
