import type { Sandbox } from 'modal';
import { Emitter, type Event } from '../base/events.ts';
import { logError } from '../base/log.ts';
import type { EndCause } from '../base/log-lines.ts';
import type { Prices } from '../modal/prices.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { idleTimeoutOf } from '../profiles/schema.ts';
import type { Connection } from './connection.ts';
import type { Folder } from './folder.ts';
import { Restart, type RestartDependencies } from './restart.ts';
import { SandboxSource, type SandboxSourceDependencies } from './sandbox-source.ts';
import { haveSameDefinition, hostVolumeOf } from './sandbox-spec.ts';
import {
  billing,
  type ColdStart,
  profileFields,
  type ResumedSession,
  type SandboxLifetime,
  type SandboxStart,
  type Session,
} from './session.ts';
import type { ImageOptions, ProfileImage, StartOptions } from './starts.ts';
import { type RunningWindowSandbox, WindowSandboxes } from './window-sandboxes.ts';

export interface SessionDependencies extends RestartDependencies, SandboxSourceDependencies {
  /** The profile of a name, or the folder's current one. Throws `UserError` if it can't be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile>;
}

/** The sandboxes of this window: at most one per folder and profile, started when a run needs it. */
export class Sessions {
  readonly #dependencies: SessionDependencies;
  readonly #sandboxes = new WindowSandboxes();
  /** Sandboxes that this window started for no folder, by ID. */
  readonly #others = new Map<string, Sandbox>();
  readonly #didStart = new Emitter<SandboxStart>();
  readonly #didResume = new Emitter<ResumedSession>();
  readonly #didChange = new Emitter<void>();
  readonly #didLeaveRunning = new Emitter<readonly Sandbox[]>();
  readonly #restart: Restart;
  readonly #source: SandboxSource;

  /** Fires when a sandbox starts for a run, before it has started. */
  readonly onDidStart: Event<SandboxStart> = this.#didStart.event;
  readonly onDidStartCold: Event<ColdStart>;
  /** Fires when a sandbox has started with the files of one that had ended. */
  readonly onDidResume: Event<ResumedSession> = this.#didResume.event;
  /** Fires when a sandbox has started, or is known to have ended: lists of sandboxes are out of date. */
  readonly onDidChange: Event<void> = this.#didChange.event;
  /** Fires with the sandboxes that keep running in the previous account or app after a change. */
  readonly onDidLeaveRunning: Event<readonly Sandbox[]> = this.#didLeaveRunning.event;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
    this.#restart = new Restart(dependencies, this.#sandboxes);
    this.#source = new SandboxSource(dependencies);
    this.onDidStartCold = this.#source.onDidStartCold;
    const { starter } = dependencies;
    starter.onDidChangeConnection(() => void this.#leave().catch(logError));
    starter.onDidEnd((sandboxId) => {
      this.#others.delete(sandboxId);
      this.#didChange.fire();
    });
  }

  /** The prices of the account in use. */
  get prices(): Prices {
    return this.#dependencies.starter.prices;
  }

  /** Connects to the chosen account. The connection is reused until the account or app changes. */
  connection(): Promise<Connection> {
    return this.#dependencies.starter.connection();
  }

  /**
   * Returns the folder's sandbox of a profile, or of the current one, and starts it if needed. Concurrent calls share one
   * start, which is canceled once all of them are. Throws `UserError` if the profile can't be used, the signal's reason, and
   * the SDK's errors.
   */
  async acquire(folder: Folder, profileName?: string, signal?: AbortSignal): Promise<Session> {
    await this.#restart.settled();
    const connection = await this.connection();
    const requested = await this.profile(folder, profileName);
    let named = requested;
    let running = this.#sandboxes.get(folder, named.name);
    let entry = running;
    if (!entry) {
      const permitted = await this.#dependencies.starter.permit(connection, folder, requested);
      named = permitted.named;
      // Another run may have asked at the same time.
      running = this.#sandboxes.get(folder, named.name);
      entry = running ?? this.#source.obtain(connection, folder, permitted);
    }
    this.#sandboxes.set(entry);
    if (!running) this.#didStart.fire({ folder, profile: named.name, sandbox: entry.sandbox });
    try {
      const sandbox = await this.#sandboxes.wait(entry, signal);
      await this.noteUse(sandbox.sandboxId);
      const resumption = running ? undefined : this.#dependencies.starter.resumptionOf(sandbox);
      const resumed = resumption && 'fromId' in resumption ? resumption : undefined;
      const taken = running ? undefined : (entry.taken ?? (resumed && 'resumed'));
      if (resumed) this.#didResume.fire({ folder, profile: named.name, sandboxId: sandbox.sandboxId, ...resumed });
      return {
        ...billing(connection, entry.profile),
        ...hostVolumeOf(folder, entry.profile),
        folder,
        sandbox,
        ...profileFields(named),
        isNew: !running && !taken,
        ...(taken && { taken }),
        ...(resumption && { resumption }),
        isOutdated: !haveSameDefinition(entry.profile, named.profile),
      };
    } finally {
      if (!running) this.#didChange.fire();
    }
  }

  /** Returns the profile of a name, or the folder's current one. Throws `UserError` if it can't be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile> {
    return this.#dependencies.profile(folder, name);
  }

  /**
   * Starts a sandbox that serves no folder. It isn't ended with the window. Paths in its profile are relative to the folder.
   * Throws as `acquire` does, and the signal's reason.
   */
  async create(named: NamedProfile, options: Omit<StartOptions, 'profileName'> = {}): Promise<Sandbox> {
    const connection = await this.connection();
    await this.#source.requireBudget(connection);
    const sandbox = await this.#source.start(connection, named, options);
    this.#others.set(sandbox.sandboxId, sandbox);
    return sandbox;
  }

  /** Records that a sandbox was used just now. */
  noteUse(sandboxId: string): Promise<void> {
    return this.#dependencies.starter.noteUse(sandboxId);
  }

  /** Records that a sandbox has ended. */
  noteEnd(sandboxId: string, cause: EndCause): Promise<void> {
    return this.#dependencies.starter.noteEnd(sandboxId, cause);
  }

  /** Records that the user has terminated a sandbox: its files aren't kept. */
  async noteTermination(sandboxId: string): Promise<void> {
    await this.#dependencies.starter.kept?.discardOf(sandboxId);
    await this.noteEnd(sandboxId, 'requested');
  }

  /** Terminates a sandbox, and records its end. */
  terminate(sandbox: Sandbox): Promise<void> {
    return this.#dependencies.starter.terminate(sandbox);
  }

  /** Ends a sandbox that is no longer used, later if it can't be ended now. Never throws. */
  letGo(sandbox: Sandbox): Promise<boolean> {
    return this.#dependencies.starter.letGo(sandbox);
  }

  /**
   * Returns the image of a folder's profile, and builds it if needed. Throws as `acquire` does, and the signal's
   * reason.
   */
  image(folder: Folder, named: NamedProfile, options: ImageOptions = {}): Promise<ProfileImage> {
    return this.#dependencies.starter.image(folder, named, options);
  }

  /** Returns the names of the profiles of which the folder has a sandbox, starting ones included. */
  profilesOf(folder: Folder): string[] {
    return this.#sandboxes.of(folder).map(({ name }) => name);
  }

  /** Returns the folder's sandbox of a profile, once it has started. */
  async sandboxOf(folder: Folder, profileName: string): Promise<Sandbox | undefined> {
    return this.#sandboxes.get(folder, profileName)?.sandbox.catch(() => undefined);
  }

  /** Returns the folder's sandboxes of all profiles, once they have started; the most recently used comes last. */
  async sandboxesOf(folder: Folder): Promise<Sandbox[]> {
    return (await this.#sandboxes.running(folder)).map(({ sandbox }) => sandbox);
  }

  async lastSandboxOf(folder: Folder): Promise<Sandbox | undefined> {
    return (await this.sandboxesOf(folder)).at(-1);
  }

  /** Returns when each of this window's sandboxes will stop. */
  async lifetimes(): Promise<SandboxLifetime[]> {
    const { starter } = this.#dependencies;
    const running = (await this.#sandboxes.running()).map(async ({ folder, name, profile, sandbox }) => {
      const times = starter.timesOf(sandbox);
      if (!times) return [];
      const endsAt = times.startedAt + profile.timeoutMs;
      const idleAt = times.usedAt + idleTimeoutOf(profile);
      const needsSaving = (await starter.kept?.needsSaving(sandbox.sandboxId)) ?? false;
      return [{ folder, named: { name, profile }, sandbox, endsAt, idleAt, needsSaving }];
    });
    return (await Promise.all(running)).flat();
  }

  /** Returns the sandboxes whose profile changed after they were started. */
  async outdated(): Promise<{ folder: Folder; profile: string }[]> {
    const checked = this.#sandboxes.all.map(async ({ folder, name, profile }) => {
      const current = await this.profile(folder, name).catch(() => undefined);
      return current && !haveSameDefinition(current.profile, profile) ? [{ folder, profile: name }] : [];
    });
    return (await Promise.all(checked)).flat();
  }

  /** Terminates the folder's sandbox of a profile. Returns false if there is none. */
  async terminateOf(folder: Folder, profile: string): Promise<boolean> {
    const entry = this.#sandboxes.get(folder, profile);
    const sandbox = await entry?.sandbox.catch(() => undefined);
    if (!entry || !sandbox) return false;
    await this.#dependencies.starter.kept?.saveBeforeEnd(sandbox);
    await sandbox.terminate();
    this.#sandboxes.delete(entry);
    await this.noteEnd(sandbox.sandboxId, 'requested');
    return true;
  }

  /**
   * Terminates the folder's sandbox of a profile, and discards the files that are kept of it and of those before: the next one
   * starts afresh. Returns false if there is none.
   */
  async startAfresh(folder: Folder, profileName: string): Promise<boolean> {
    const { kept } = this.#dependencies.starter;
    await kept?.discard(await this.connection(), { folder, profileName });
    return this.terminateOf(folder, profileName);
  }

  /**
   * Replaces the folder's sandbox of a profile with one started from a snapshot. The previous one is ended once its
   * replacement runs; a failed or canceled start changes nothing. Throws as `acquire` does, and the signal's reason.
   */
  async restore(
    folder: Folder,
    profileName: string,
    snapshot: { imageId: string; id?: string },
    signal?: AbortSignal,
  ): Promise<Sandbox> {
    const connection = await this.connection();
    const named = await this.profile(folder, profileName);
    await this.#source.requireBudget(connection);
    const options = { folder, profileName: named.name, isServing: true, snapshot, signal };
    const starting = this.#source.start(connection, named, options);
    this.#didStart.fire({ folder, profile: named.name, sandbox: starting });
    const sandbox = await starting;
    const previous = this.#sandboxes.get(folder, named.name);
    this.#sandboxes.set({ ...named, folder, sandbox: Promise.resolve(sandbox) });
    await previous?.sandbox.then((old) => this.letGo(old)).catch(logError);
    this.#didChange.fire();
    return sandbox;
  }

  /** Returns a session with any running sandbox. If it has stopped, its first use fails. */
  async attach(sandboxId: string, folder: Folder): Promise<Session> {
    const connection = await this.connection();
    const sandbox = await this.find(sandboxId);
    return { ...billing(connection), folder, sandbox, pull: [], isNew: false, isOutdated: false };
  }

  /** Returns any running sandbox of the account. If it has stopped, its first use fails. Throws the SDK's errors. */
  async find(sandboxId: string): Promise<Sandbox> {
    const { client } = await this.connection();
    // A second object for the same sandbox would open a second connection to it.
    const own = this.#others.get(sandboxId) ?? (await this.#windowSandbox(sandboxId))?.sandbox;
    return own ?? client.sandboxes.fromId(sandboxId);
  }

  /** Returns the folder and profile that this window has a sandbox for. */
  async ownerOf(sandboxId: string): Promise<{ folder: Folder; profile: string } | undefined> {
    const entry = await this.#windowSandbox(sandboxId);
    return entry && { folder: entry.folder, profile: entry.name };
  }

  async #windowSandbox(sandboxId: string): Promise<RunningWindowSandbox | undefined> {
    return (await this.#sandboxes.started()).find(({ sandbox }) => sandbox.sandboxId === sandboxId);
  }

  /**
   * Prepares for a restart of the window: its sandboxes keep running, and the restarted window takes them over if it is
   * back within a minute. Resolves with a function that undoes this.
   */
  async handOver(): Promise<() => Promise<void>> {
    return this.#restart.handOver(await this.lifetimes());
  }

  /**
   * Takes over the sandboxes that a window with these folders handed over. Runs wait for it. Makes no call if there are
   * none.
   */
  takeOver(paths: readonly string[]): Promise<void> {
    return this.#restart.takeOver(paths, () => this.#didChange.fire());
  }

  /** Forgets a sandbox that has ended, so that the next run starts another. */
  async drop({ sandbox: { sandboxId } }: Pick<Session, 'sandbox'>, cause: EndCause = 'found'): Promise<void> {
    for (const { entry, sandbox } of await this.#sandboxes.running()) {
      if (sandbox.sandboxId !== sandboxId) continue;
      this.#sandboxes.delete(entry);
      await this.noteEnd(sandboxId, cause);
    }
  }

  /** Ends the sandboxes of this window's folders, except those that are handed over. Later runs may start others. */
  async terminateAll(): Promise<void> {
    const entries = this.#sandboxes.all;
    this.#sandboxes.clear();
    for (const { canceling } of entries) canceling?.abort();
    await Promise.allSettled(
      entries.map(async (each) => {
        const sandbox = await each.sandbox;
        if (!this.#restart.keeps(sandbox.sandboxId)) await this.letGo(sandbox);
      }),
    );
    await this.#dependencies.starter.settled();
  }

  /** Ends the sandboxes of this window's folders in the account or app that is left, and reports what keeps running. */
  async #leave(): Promise<void> {
    this.#source.leave();
    const entries = this.#sandboxes.all;
    const running = [...this.#others.values()];
    this.#sandboxes.clear();
    this.#others.clear();
    await Promise.allSettled(
      entries.map(async (each) => {
        const sandbox = await each.sandbox;
        if (await this.#dependencies.starter.letGoWhenIdle(sandbox)) running.push(sandbox);
      }),
    );
    if (running.length > 0) this.#didLeaveRunning.fire(running);
  }

  /** Ends the sandboxes of this window's folders when it closes. What VS Code doesn't wait for, the next window ends. */
  async dispose(): Promise<void> {
    const { kept, endings } = this.#dependencies.starter;
    kept?.dispose();
    await this.terminateAll();
    endings?.dispose();
    await kept?.settled();
  }
}
