import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { Emitter, type Event } from '../base/events.ts';
import { logError } from '../base/log.ts';
import type { Prices } from '../modal/prices.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Connection } from './connection.ts';
import type { BudgetGate } from './cost/budget.ts';
import type { Folder } from './folder.ts';
import type { HandedOver, Handover } from './handover.ts';
import { haveSameDefinition } from './sandbox-spec.ts';
import type { ImageOptions, ProfileImage, SandboxStarter, StartOptions } from './sandbox-starter.ts';
import {
  billing,
  type ColdStart,
  profileFields,
  type SandboxLifetime,
  type SandboxStart,
  type Session,
} from './session.ts';
import { strings } from './strings.ts';
import type { WarmSource } from './warm/pool.ts';
import { type WindowSandbox, WindowSandboxes } from './window-sandboxes.ts';

export interface SessionDependencies {
  readonly starter: SandboxStarter;
  /** The profile of a name, or the folder's current one. Throws `UserError` if it can't be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile>;
  /** Carries sandboxes across a restart of the window. */
  readonly handover?: Handover;
  /** The pool of warm sandboxes. */
  readonly warm?: WarmSource;
  /** Asked before a sandbox that costs money is started for a run. */
  readonly budget?: BudgetGate;
}

/** The sandboxes of this window: at most one per folder and profile, started when a run needs it. */
export class Sessions {
  readonly #dependencies: SessionDependencies;
  readonly #sandboxes = new WindowSandboxes();
  /** Sandboxes that this window started for no folder, by ID. */
  readonly #others = new Map<string, Sandbox>();
  /** The number of times that the account or app has changed. */
  #changes = 0;
  readonly #didStart = new Emitter<SandboxStart>();
  readonly #didStartCold = new Emitter<ColdStart>();
  readonly #didChange = new Emitter<void>();
  readonly #didLeaveRunning = new Emitter<readonly Sandbox[]>();
  #takenOver: Promise<unknown> = Promise.resolve();

  /** Fires when a sandbox starts for a run, before it has started. */
  readonly onDidStart: Event<SandboxStart> = this.#didStart.event;
  readonly onDidStartCold: Event<ColdStart> = this.#didStartCold.event;
  /** Fires when a sandbox has started, or is known to have ended: lists of sandboxes are out of date. */
  readonly onDidChange: Event<void> = this.#didChange.event;
  /** Fires with the sandboxes that keep running in the previous account or app after a change. */
  readonly onDidLeaveRunning: Event<readonly Sandbox[]> = this.#didLeaveRunning.event;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
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
    await this.#takenOver;
    const connection = await this.connection();
    const requested = await this.profile(folder, profileName);
    const isRunning = this.#sandboxes.get(folder, requested.name) !== undefined;
    const { starter } = this.#dependencies;
    const named = isRunning ? requested : await starter.permitted(connection, folder, requested);
    const running = this.#sandboxes.get(folder, named.name);
    const entry = running ?? this.#obtain(connection, folder, named);
    this.#sandboxes.set(entry);
    if (!running) this.#didStart.fire({ folder, profile: named.name, sandbox: entry.sandbox });
    try {
      const sandbox = await this.#sandboxes.wait(entry, signal);
      await this.noteUse(sandbox.sandboxId);
      const taken = running ? undefined : entry.taken;
      return {
        ...billing(connection, entry.profile),
        folder,
        sandbox,
        ...profileFields(named),
        isNew: !running && !taken,
        ...(taken && { taken }),
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

  /** Takes a warm sandbox, else adopts one that an earlier window left behind, else starts one. */
  #obtain(connection: Connection, folder: Folder, named: NamedProfile): WindowSandbox {
    const common = { name: named.name, folder, profile: named.profile };
    const warm = this.#dependencies.warm?.take(folder, named);
    if (warm) return { ...common, sandbox: Promise.resolve(warm), taken: 'warm' };
    const canceling = new AbortController();
    const sandbox = this.#adoptOrStart(
      connection,
      folder,
      named,
      canceling.signal,
      () => (entry.taken = 'left behind'),
    );
    const entry: WindowSandbox = { ...common, sandbox, canceling };
    return entry;
  }

  async #adoptOrStart(
    connection: Connection,
    folder: Folder,
    named: NamedProfile,
    signal: AbortSignal,
    onAdopted: () => void,
  ): Promise<Sandbox> {
    const { starter } = this.#dependencies;
    const adopted = await starter.adopt(connection, folder, named);
    if (adopted) {
      if (signal.aborted) await this.letGo(adopted);
      signal.throwIfAborted();
      onAdopted();
      return adopted;
    }
    await this.#requireBudget(connection);
    signal.throwIfAborted();
    const startedAt = performance.now();
    const sandbox = await this.#start(connection, named, { folder, profileName: named.name, signal });
    this.#didStartCold.fire({ folder, named, durationMs: performance.now() - startedAt });
    return sandbox;
  }

  /** Starts a sandbox, unless the account or app changes in the meantime: it's ended then, as the others are. */
  async #start(connection: Connection, named: NamedProfile, options: StartOptions): Promise<Sandbox> {
    const changes = this.#changes;
    const sandbox = await this.#dependencies.starter.start(connection, named, options);
    if (changes === this.#changes) return sandbox;
    await this.letGo(sandbox);
    throw new UserError(strings.accountChanged());
  }

  async #requireBudget({ account }: Connection): Promise<void> {
    if (account.isLocal !== true) await this.#dependencies.budget?.require();
  }

  /**
   * Starts a sandbox that serves no folder. It isn't ended with the window. Paths in its profile are relative to the folder.
   * Throws as `acquire` does, and the signal's reason.
   */
  async create(named: NamedProfile, options: Omit<StartOptions, 'profileName'> = {}): Promise<Sandbox> {
    const connection = await this.connection();
    await this.#requireBudget(connection);
    const sandbox = await this.#start(connection, named, options);
    this.#others.set(sandbox.sandboxId, sandbox);
    return sandbox;
  }

  /** Records that a sandbox was used just now. */
  noteUse(sandboxId: string): Promise<void> {
    return this.#dependencies.starter.noteUse(sandboxId);
  }

  /** Records that a sandbox has ended. */
  noteEnd(sandboxId: string): Promise<void> {
    return this.#dependencies.starter.noteEnd(sandboxId);
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
    return (await this.#sandboxes.running()).flatMap(({ folder, name, profile, sandbox }) => {
      const times = starter.timesOf(sandbox);
      if (!times) return [];
      const endsAt = times.startedAt + profile.timeoutMs;
      return [{ folder, named: { name, profile }, sandbox, endsAt, idleAt: times.usedAt + profile.idleTimeoutMs }];
    });
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
    await sandbox.terminate();
    this.#sandboxes.delete(entry);
    await this.noteEnd(sandbox.sandboxId);
    return true;
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
    await this.#requireBudget(connection);
    const options = { folder, profileName: named.name, snapshot, signal };
    const starting = this.#start(connection, named, options);
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
    // A second object for the same sandbox would open a second connection to it.
    const own = (await this.sandboxesOf(folder)).find((each) => each.sandboxId === sandboxId);
    const sandbox = own ?? (await connection.client.sandboxes.fromId(sandboxId));
    return { ...billing(connection), folder, sandbox, pull: [], isNew: false, isOutdated: false };
  }

  /**
   * Prepares for a restart of the window: its sandboxes keep running, and the restarted window takes them over if it is
   * back within a minute. Resolves with a function that undoes this.
   */
  async handOver(): Promise<() => Promise<void>> {
    const { handover } = this.#dependencies;
    const lifetimes = await this.lifetimes();
    const sandboxes = lifetimes.map(({ folder, named, sandbox, endsAt }) => ({
      sandboxId: sandbox.sandboxId,
      folder,
      profile: named.name,
      startedAt: endsAt - named.profile.timeoutMs,
    }));
    await handover?.offer(sandboxes);
    return async () => handover?.withdraw();
  }

  /**
   * Takes over the sandboxes that a window with these folders handed over. Runs wait for it. Makes no call if there are
   * none.
   */
  async takeOver(paths: readonly string[]): Promise<void> {
    const taking = async () => {
      const handedOver = (await this.#dependencies.handover?.claim(paths)) ?? [];
      for (const each of handedOver) await this.#takeOver(each).catch(logError);
      if (handedOver.length > 0) this.#didChange.fire();
    };
    this.#takenOver = taking().catch(logError);
    await this.#takenOver;
  }

  async #takeOver(handedOver: HandedOver & { windowId: string }): Promise<void> {
    const { folder } = handedOver;
    const connection = await this.connection();
    const named = await this.profile(folder, handedOver.profile);
    const sandbox = await this.#dependencies.starter.takeHandedOver(connection, named.profile, handedOver);
    if (sandbox) this.#sandboxes.set({ ...named, folder, sandbox: Promise.resolve(sandbox) });
  }

  /** Forgets a sandbox that has ended, so that the next run starts another. */
  async drop({ sandbox: { sandboxId } }: Pick<Session, 'sandbox'>): Promise<void> {
    for (const { entry, sandbox } of await this.#sandboxes.running()) {
      if (sandbox.sandboxId !== sandboxId) continue;
      this.#sandboxes.delete(entry);
      await this.noteEnd(sandboxId);
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
        if (!this.#dependencies.handover?.keeps(sandbox.sandboxId)) await this.letGo(sandbox);
      }),
    );
    await this.#dependencies.starter.settled();
  }

  /** Ends the sandboxes of this window's folders in the account or app that is left, and reports what keeps running. */
  async #leave(): Promise<void> {
    this.#changes += 1;
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
    await this.terminateAll();
    this.#dependencies.starter.endings?.dispose();
  }
}
