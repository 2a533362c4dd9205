import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { logError } from '../base/log.ts';
import type { Prices } from '../modal/prices.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import { takeHandedOver } from './adopt.ts';
import { type Connection, Connections } from './connection.ts';
import type { Folder } from './folder.ts';
import { type HandedOver, Handover } from './handover.ts';
import { definitionKey, imageFor } from './sandbox-spec.ts';
import { billing, costOf, type ImageOptions, type ProfileImage, type Session, type SessionSources } from './session.ts';
import { StartedSandboxes } from './started.ts';
import { Starter } from './starter.ts';

/** The sandboxes of this window: at most one per folder and profile, started when a run asks for it. */
export class Sessions {
  readonly #sources: SessionSources;
  readonly #connections = new Connections(() => this.started.clear());
  /** What runs, by folder and profile. */
  readonly started = new StartedSandboxes();
  /** Ends of sandboxes that came after their start was called off. */
  readonly #discarded = new Set<Promise<void>>();
  readonly #starter: Starter;
  readonly #handover: Handover | undefined;
  #takenOver: Promise<unknown> = Promise.resolve();

  constructor(sources: SessionSources) {
    this.#sources = sources;
    this.#starter = new Starter(sources, this.started);
    this.#handover = sources.machine && new Handover(sources.machine);
  }

  /** The prices of the account in use. */
  get prices(): Prices {
    return this.#connections.prices;
  }

  /** The connection to the chosen account; kept until account or app change. */
  async connection(): Promise<Connection> {
    return this.#connections.current(await this.#sources.account(), this.#sources.app());
  }

  /**
   * The folder's sandbox of a profile, or of the one that is chosen. Two calls at once share one start. Throws `UserError`
   * for a profile that cannot be used, and the SDK's errors.
   */
  async acquire(folder: Folder, profileName?: string): Promise<Session> {
    await this.#takenOver;
    const connection = await this.connection();
    const named = await this.#sources.profile(folder, profileName);
    const running = this.started.get(folder, named.name);
    const started = running ?? this.#starter.obtain(connection, folder, named);
    this.started.set(started);
    if (!running) this.#sources.onStarting?.(started.sandbox);
    try {
      const sandbox = await started.sandbox;
      await this.used(sandbox.sandboxId);
      const taken = running ? undefined : started.taken;
      return {
        ...billing(connection, started.profile),
        folder,
        sandbox,
        profile: named.name,
        pull: named.profile.pull,
        isNew: !running && !taken,
        ...(taken && { taken }),
        isOutdated: !isSame(started.profile, named.profile),
      };
    } catch (error) {
      this.started.forget(started);
      throw error;
    } finally {
      if (!running) this.#sources.onChange?.();
    }
  }

  /** The profile of a name, or the one chosen for the folder. Throws `UserError` when it cannot be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile> {
    return this.#sources.profile(folder, name);
  }

  /**
   * A new sandbox that serves no folder; paths in its profile are those of `folder`. Throws as `acquire` does, and the
   * signal's reason.
   */
  async create(profile: Profile, folder?: Folder, signal?: AbortSignal): Promise<Sandbox> {
    const connection = await this.connection();
    await this.#starter.requireBudget(connection);
    const context = this.#starter.context(connection, folder, signal);
    return this.#orDiscard(this.#starter.start(profile, context), signal);
  }

  /** Waits for a sandbox that is being started; one that comes after the wait was given up is ended. */
  #orDiscard(starting: Promise<Sandbox>, signal: AbortSignal | undefined): Promise<Sandbox> {
    return untilAborted(starting, signal, () => {
      const ending = starting.then((late) => this.terminate(late)).catch(logError);
      this.#discarded.add(ending);
      void ending.finally(() => this.#discarded.delete(ending));
    });
  }

  /**
   * A sandbox of a folder's profile that no run has asked for yet: one that a lost window has left behind, else a new
   * one. Throws the SDK's errors.
   */
  async startSpare(folder: Folder, named: NamedProfile, signal: AbortSignal): Promise<Sandbox> {
    return this.#starter.spare(await this.connection(), folder, named, signal);
  }

  /** Notes that a sandbox was used just now. */
  async used(sandboxId: string): Promise<void> {
    this.started.used(sandboxId, Date.now());
    await this.#sources.spend?.used(sandboxId);
  }

  /** Ends a sandbox, and notes its end. */
  async terminate(sandbox: Sandbox): Promise<void> {
    await sandbox.terminate();
    await this.ended(sandbox.sandboxId);
  }

  /** Notes that a sandbox has ended. */
  async ended(sandboxId: string): Promise<void> {
    this.started.ended(sandboxId);
    await this.#sources.spend?.ended(sandboxId);
    this.#sources.onChange?.();
  }

  /** The image of a folder's profile, built where there is none. Throws as `acquire` does, and the signal's reason. */
  async image(folder: Folder, { name, profile }: NamedProfile, options: ImageOptions = {}): Promise<ProfileImage> {
    const connection = await this.connection();
    const context = this.#starter.context(connection, folder, options.signal);
    return { ...connection, image: await imageFor(profile, context, this.#starter.owner(folder, name), options.force) };
  }

  /** The sandboxes that were started before their profile was changed. */
  async outdated(): Promise<{ folder: Folder; profile: string }[]> {
    const looked = this.started.all.map(async ({ folder, name, profile }) => {
      const now = await this.#sources.profile(folder, name).catch(() => undefined);
      return now && !isSame(now.profile, profile) ? [{ folder, profile: name }] : [];
    });
    return (await Promise.all(looked)).flat();
  }

  /** Ends the folder's sandbox of a profile; false when there is none. */
  async end(folder: Folder, profile: string): Promise<boolean> {
    const started = this.started.get(folder, profile);
    const sandbox = await started?.sandbox.catch(() => undefined);
    if (!started || !sandbox) return false;
    await sandbox.terminate();
    this.started.forget(started);
    await this.ended(sandbox.sandboxId);
    return true;
  }

  /**
   * A new sandbox from a snapshot takes the place of the folder's sandbox of a profile, which is ended once the new one
   * runs. What fails or is called off leaves everything as it was. Throws as `acquire` does, and the signal's reason.
   */
  async restore(
    folder: Folder,
    profileName: string,
    snapshot: { imageId: string; id?: string },
    signal?: AbortSignal,
  ): Promise<Sandbox> {
    const connection = await this.connection();
    const named = await this.#sources.profile(folder, profileName);
    await this.#starter.requireBudget(connection);
    const context = { ...this.#starter.context(connection, folder, signal), snapshot };
    const owner = this.#starter.owner(folder, named.name);
    const starting = this.#orDiscard(this.#starter.start(named.profile, context, owner), signal);
    this.#sources.onStarting?.(starting);
    const sandbox = await starting;
    const before = this.started.get(folder, named.name);
    this.started.set({ ...named, folder, sandbox: Promise.resolve(sandbox) });
    await before?.sandbox.then((old) => this.terminate(old)).catch(() => {});
    this.#sources.onChange?.();
    return sandbox;
  }

  /** A session with a sandbox that runs already, whoever started it. Fails at its first use when it has ended. */
  async attach(sandboxId: string, folder: Folder): Promise<Session> {
    const connection = await this.connection();
    const own = await this.started.allOf(folder);
    // Another object for the same sandbox would open a connection of its own.
    const sandbox =
      own.find((each) => each.sandboxId === sandboxId) ?? (await connection.client.sandboxes.fromId(sandboxId));
    return { ...billing(connection), folder, sandbox, pull: [], isNew: false, isOutdated: false };
  }

  /**
   * The window is about to restart: its sandboxes live on, and the restarted window goes on with them. What comes later
   * than a minute finds them ended. Resolves with what takes that back.
   */
  async handOver(): Promise<() => Promise<void>> {
    const lives = await this.started.lives();
    const left = lives.map(({ folder, named, sandbox, endsAt }) => ({
      sandboxId: sandbox.sandboxId,
      folder,
      profile: named.name,
      startedAt: endsAt - named.profile.timeoutMs,
    }));
    await this.#handover?.offer(left);
    return async () => this.#handover?.withdraw();
  }

  /** Goes on with what was left for a window with these folders, before any other run. Makes no call when nothing was. */
  async takeOver(paths: readonly string[]): Promise<void> {
    const taking = async () => {
      const left = (await this.#handover?.claim(paths)) ?? [];
      for (const each of left) await this.#takeOver(each).catch(logError);
      if (left.length > 0) this.#sources.onChange?.();
    };
    this.#takenOver = taking().catch(logError);
    await this.#takenOver;
  }

  async #takeOver(left: HandedOver & { windowId: string }): Promise<void> {
    const { machine, spend } = this.#sources;
    const { folder, sandboxId, windowId, startedAt } = left;
    const connection = await this.connection();
    const named = await this.#sources.profile(folder, left.profile);
    const sandbox = machine && (await takeHandedOver(connection, machine, left));
    if (!sandbox) return;
    this.started.began(sandbox, startedAt);
    this.started.set({ ...named, folder, sandbox: Promise.resolve(sandbox) });
    await spend?.tookOver(sandboxId, windowId, costOf(connection, named.profile));
  }

  /** Drops a sandbox that has ended, so that the next run starts another. */
  async drop({ sandbox }: Pick<Session, 'sandbox'>): Promise<void> {
    for (const { started } of await this.started.holding(sandbox.sandboxId)) {
      this.started.forget(started);
      await this.ended(sandbox.sandboxId);
    }
  }

  /** Ends the sandboxes that this window started, except what is handed over. */
  async dispose(): Promise<void> {
    const started = this.started.all;
    this.started.clear();
    await Promise.allSettled(
      started.map(async (each) => {
        const sandbox = await each.sandbox;
        if (!this.#handover?.keeps(sandbox.sandboxId)) await this.terminate(sandbox);
      }),
    );
    await Promise.all(this.#discarded);
  }
}

function isSame(a: Profile, b: Profile): boolean {
  return definitionKey(a) === definitionKey(b);
}
