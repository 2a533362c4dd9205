import type { Image, Sandbox } from 'modal';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { useRates } from '../modal/prices.ts';
import { accountRates } from '../modal/rates.ts';
import { openApp, Tag } from '../modal/sandboxes.ts';
import { profilePricePerHourUsd } from '../profiles/hardware.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import { adopt } from './adopt.ts';
import type { Machine } from './machine.ts';
import type { SpendRecord } from './spend.ts';
import {
  type BuildImage,
  type Connection,
  definitionKey,
  imageFor,
  type Owner,
  type StartContext,
  startSandbox,
} from './start.ts';

export type { Connection } from './start.ts';

/** A workspace folder on this machine. */
export interface Folder {
  readonly name: string;
  /** What is synced. */
  readonly path: string;
}

/** A sandbox that serves a folder. */
export interface Session {
  readonly folder: Folder;
  readonly sandbox: Sandbox;
  /** Files that the profile says are brought back after each run. */
  readonly pull: readonly string[];
  /** The profile's name; absent for a sandbox that was not started from one. */
  readonly profile?: string;
  readonly accountLabel: string;
  /** Estimated, in US dollars; absent where nothing is billed or the price is not known. */
  readonly pricePerHourUsd?: number;
  /** Whether the sandbox costs money. */
  readonly isBilled: boolean;
  /** True when this call started the sandbox. */
  readonly isNew: boolean;
  /** Set when this call took a sandbox that was there already: kept warm, or left behind by a window that is gone. */
  readonly taken?: 'warm' | 'left behind';
  /** The sandbox was started before its profile was changed. */
  readonly isOutdated: boolean;
}

export interface ImageOptions {
  /** Builds all of it, whatever there is already. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** The image of a profile, and where it is. */
export interface ProfileImage extends Connection {
  readonly profile: string;
  readonly image: Image;
}

export interface SessionSources {
  account(): Promise<Account>;
  /** The Modal app that sandboxes belong to. */
  app(): string;
  /** The profile of a name, or the one chosen for the folder. Throws `UserError` when it cannot be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile>;
  /** Where paths in the folder's profiles start; the folder's own path when absent. */
  profileRoot?(folder: Folder): string;
  /** Builds images; the plain `buildImage` when absent. */
  readonly buildImage?: BuildImage;
  /** What other windows are told and tell; nothing is taken over from them when absent. */
  readonly machine?: Machine;
  /** Where the cost of sandboxes is noted. */
  readonly spend?: SpendRecord;
  /** A sandbox that was kept warm for the profile. */
  takeWarm?(folder: Folder, named: NamedProfile): Sandbox | undefined;
  /** Asks whether a sandbox that costs money may be started. Throws `UserError` when it may not. */
  requireBudget?(): Promise<void>;
  /** A sandbox is being started for a run. */
  onStarting?(starting: Promise<unknown>): void;
  /** A run had to wait for a new sandbox. */
  onColdStart?(folder: Folder, named: NamedProfile, durationMs: number): void;
  /** A sandbox was started or was found to have ended: lists of sandboxes are out of date. */
  onChange?(): void;
}

/** A sandbox of this window, with the end of its life. */
export interface Life {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly sandbox: Sandbox;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** What was started for a folder and a profile. */
interface Started {
  readonly name: string;
  readonly folder: Folder;
  readonly profile: Profile;
  readonly sandbox: Promise<Sandbox>;
  taken?: Session['taken'];
}

/** The sandboxes of this window: at most one per folder and profile, started when a run asks for it. */
export class Sessions {
  readonly #sources: SessionSources;
  #connection: { key: string; opened: Promise<Connection> } | undefined;
  /** By folder and profile; the one that was used last comes last. */
  readonly #started = new Map<string, Started>();
  /** When a sandbox began to live, in milliseconds since 1970. */
  readonly #startedAt = new WeakMap<Sandbox, number>();

  constructor(sources: SessionSources) {
    this.#sources = sources;
  }

  /** Connects to the chosen account; the connection is kept until account or app change. */
  async connection(): Promise<Connection> {
    const account = await this.#sources.account();
    const app = this.#sources.app();
    const key = JSON.stringify([account, app]);
    if (this.#connection?.key !== key) {
      this.#connection = { key, opened: open(account, app) };
      this.#started.clear();
      void this.#learnRates(this.#connection);
    }
    const current = this.#connection;
    return current.opened.catch((error) => {
      if (this.#connection === current) this.#connection = undefined;
      throw error;
    });
  }

  /** Prices are the account's own as soon as it has told them; nobody waits for that. */
  async #learnRates(connection: { opened: Promise<Connection> }): Promise<void> {
    useRates();
    const opened = await connection.opened.catch(() => undefined);
    if (!opened || opened.account.isLocal) return;
    const rates = await accountRates(opened.client);
    if (this.#connection === connection) useRates(rates);
  }

  /**
   * The folder's sandbox of a profile, or of the one that is chosen. Two calls at once share one start. Throws `UserError`
   * for a profile that cannot be used, and the SDK's errors.
   */
  async acquire(folder: Folder, profileName?: string): Promise<Session> {
    const connection = await this.connection();
    const named = await this.#sources.profile(folder, profileName);
    const key = `${folder.path}\0${named.name}`;
    const running = this.#started.get(key);
    const started = running ?? this.#obtain(connection, folder, named);
    this.#started.delete(key);
    this.#started.set(key, started);
    if (!running) this.#sources.onStarting?.(started.sandbox);
    try {
      const sandbox = await started.sandbox;
      await this.used(sandbox.sandboxId);
      const taken = running ? undefined : started.taken;
      return {
        ...billing(connection.account, started.profile),
        folder,
        sandbox,
        profile: named.name,
        pull: named.profile.pull,
        isNew: !running && !taken,
        ...(taken && { taken }),
        isOutdated: !isSame(started.profile, named.profile),
      };
    } catch (error) {
      this.#forget(started);
      throw error;
    } finally {
      if (!running) this.#sources.onChange?.();
    }
  }

  /** The profile of a name, or the one chosen for the folder. Throws `UserError` when it cannot be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile> {
    return this.#sources.profile(folder, name);
  }

  /** A new sandbox that serves no folder; paths in its profile are those of `folder`. Throws as `acquire` does. */
  async create(profile: Profile, folder?: Folder): Promise<Sandbox> {
    const connection = await this.connection();
    await this.#requireBudget(connection);
    return this.#noted(connection, profile, startSandbox(profile, this.#context(connection, folder)));
  }

  /**
   * A sandbox of a folder's profile that no run has asked for yet: one that a lost window has left behind, else a new
   * one. Throws the SDK's errors.
   */
  async startSpare(folder: Folder, named: NamedProfile, signal: AbortSignal): Promise<Sandbox> {
    const connection = await this.connection();
    const adopted = await this.#adopt(connection, folder, named);
    return adopted ?? this.#noted(connection, named.profile, this.#start(connection, folder, named, signal));
  }

  /** Builds a profile's image where need be; `force` in any case. Resolves with its id. */
  async buildImage(
    folder: Folder,
    { name, profile }: NamedProfile,
    force: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    const context = { ...this.#context(await this.connection(), folder), signal };
    return (await imageFor(profile, context, this.#owner(folder, name), force)).imageId;
  }

  /** Notes that a sandbox was used just now. */
  async used(sandboxId: string): Promise<void> {
    await this.#sources.spend?.used(sandboxId);
  }

  /** Ends a sandbox, and notes its end. */
  async terminate(sandbox: Sandbox): Promise<void> {
    await sandbox.terminate();
    await this.ended(sandbox.sandboxId);
  }

  /** Notes that a sandbox has ended. */
  async ended(sandboxId: string): Promise<void> {
    await this.#sources.spend?.ended(sandboxId);
    this.#sources.onChange?.();
  }

  /** The image of the folder's profile, built where there is none. Throws as `acquire` does, and the signal's reason. */
  async image(folder: Folder, options: ImageOptions = {}): Promise<ProfileImage> {
    const connection = await this.connection();
    const named = await this.#sources.profile(folder);
    const context = { ...this.#context(connection, folder), ...(options.signal && { signal: options.signal }) };
    return {
      ...connection,
      profile: named.name,
      image: await imageFor(named.profile, context, this.#owner(folder, named.name), options.force),
    };
  }

  /** The folder's sandbox that was used last, where this window has started one. */
  async running(folder: Folder): Promise<Sandbox | undefined> {
    return (await this.runningAll(folder)).at(-1);
  }

  /** The folder's sandboxes that this window has started, of all profiles. */
  async runningAll(folder: Folder): Promise<Sandbox[]> {
    const own = [...this.#started.values()].filter((each) => each.folder.path === folder.path);
    const sandboxes = await Promise.all(own.map(({ sandbox }) => sandbox.catch(() => undefined)));
    return sandboxes.filter((sandbox) => sandbox !== undefined);
  }

  /** The names of the profiles that the folder has sandboxes of. */
  profilesOf(folder: Folder): string[] {
    return [...this.#started.values()].filter((each) => each.folder.path === folder.path).map(({ name }) => name);
  }

  /** The sandboxes that were started before their profile was changed. */
  async outdated(): Promise<{ folder: Folder; profile: string }[]> {
    const looked = [...this.#started.values()].map(async ({ folder, name, profile }) => {
      const now = await this.#sources.profile(folder, name).catch(() => undefined);
      return now && !isSame(now.profile, profile) ? [{ folder, profile: name }] : [];
    });
    return (await Promise.all(looked)).flat();
  }

  /** Ends the folder's sandbox of a profile; false when there is none. */
  async end(folder: Folder, profile: string): Promise<boolean> {
    const started = [...this.#started.values()].find(
      (each) => each.folder.path === folder.path && each.name === profile,
    );
    const sandbox = await started?.sandbox.catch(() => undefined);
    if (!started || !sandbox) return false;
    await this.terminate(sandbox);
    this.#forget(started);
    this.#sources.onChange?.();
    return true;
  }

  /**
   * A new sandbox from a snapshot takes the place of the folder's sandbox of a profile, which is ended once the new one
   * runs. What fails leaves everything as it was. Throws as `acquire` does.
   */
  async restore(folder: Folder, profileName: string, snapshot: { imageId: string; id?: string }): Promise<Sandbox> {
    const connection = await this.connection();
    const named = await this.#sources.profile(folder, profileName);
    await this.#requireBudget(connection);
    const context = { ...this.#context(connection, folder), snapshot };
    const owner = this.#owner(folder, named.name);
    const starting = this.#noted(connection, named.profile, startSandbox(named.profile, context, owner));
    this.#sources.onStarting?.(starting);
    const sandbox = await starting;
    const key = `${folder.path}\0${named.name}`;
    const before = this.#started.get(key);
    this.#started.delete(key);
    this.#started.set(key, { ...named, folder, sandbox: Promise.resolve(sandbox) });
    await before?.sandbox.then((old) => this.terminate(old)).catch(() => {});
    this.#sources.onChange?.();
    return sandbox;
  }

  /** The folder's running sandbox of a profile. */
  async sandboxOf(folder: Folder, profileName: string): Promise<Sandbox | undefined> {
    return this.#started.get(`${folder.path}\0${profileName}`)?.sandbox.catch(() => undefined);
  }

  /** The sandboxes of this window whose end is known. */
  async lives(): Promise<Life[]> {
    const looked = [...this.#started.values()].map(async ({ folder, name, profile, sandbox: starting }) => {
      const sandbox = await starting.catch(() => undefined);
      const startedAt = sandbox && this.#startedAt.get(sandbox);
      if (!sandbox || startedAt === undefined) return [];
      return [{ folder, named: { name, profile }, sandbox, endsAt: startedAt + profile.timeoutMs }];
    });
    return (await Promise.all(looked)).flat();
  }

  /** A session with a sandbox that runs already, whoever started it. Fails at its first use when it has ended. */
  async attach(sandboxId: string, folder: Folder): Promise<Session> {
    const { client, account } = await this.connection();
    const own = await this.runningAll(folder);
    // Another object for the same sandbox would open a connection of its own.
    const sandbox = own.find((each) => each.sandboxId === sandboxId) ?? (await client.sandboxes.fromId(sandboxId));
    return { ...billing(account), folder, sandbox, pull: [], isNew: false, isOutdated: false };
  }

  /** Gives a sandbox up, so that it goes on when this window closes: until it is ended, idle for too long, or over. */
  async leave(sandboxId: string): Promise<void> {
    for (const started of [...this.#started.values()]) {
      const sandbox = await started.sandbox.catch(() => undefined);
      if (sandbox?.sandboxId !== sandboxId) continue;
      this.#forget(started);
      // Without a window, no other one takes it for left behind.
      const { [Tag.window]: _, ...tags } = await sandbox.getTags();
      await sandbox.setTags(tags);
    }
  }

  /** Drops a sandbox that has ended, so that the next run starts another. */
  async drop({ sandbox }: Pick<Session, 'sandbox'>): Promise<void> {
    for (const started of [...this.#started.values()]) {
      if ((await started.sandbox.catch(() => undefined)) !== sandbox) continue;
      this.#forget(started);
      await this.ended(sandbox.sandboxId);
    }
  }

  /** A sandbox for a folder's profile: one that is kept warm, one that a lost window has left behind, else a new one. */
  #obtain(connection: Connection, folder: Folder, named: NamedProfile): Started {
    const common = { name: named.name, folder, profile: named.profile };
    const warm = this.#sources.takeWarm?.(folder, named);
    if (warm) return { ...common, sandbox: Promise.resolve(warm), taken: 'warm' };
    const started: Started = {
      ...common,
      sandbox: this.#adoptOrStart(connection, folder, named, () => (started.taken = 'left behind')),
    };
    return started;
  }

  async #adoptOrStart(
    connection: Connection,
    folder: Folder,
    named: NamedProfile,
    onAdopted: () => void,
  ): Promise<Sandbox> {
    const adopted = await this.#adopt(connection, folder, named);
    if (adopted) {
      onAdopted();
      return adopted;
    }
    await this.#requireBudget(connection);
    const startedAt = performance.now();
    const sandbox = await this.#noted(connection, named.profile, this.#start(connection, folder, named));
    this.#sources.onColdStart?.(folder, named, performance.now() - startedAt);
    return sandbox;
  }

  async #adopt(connection: Connection, folder: Folder, { name, profile }: NamedProfile): Promise<Sandbox | undefined> {
    const { machine, spend } = this.#sources;
    if (!machine) return undefined;
    const adopted = await adopt(connection, machine, this.#owner(folder, name), profile);
    if (!adopted) return undefined;
    this.#startedAt.set(adopted.sandbox, adopted.startedAt);
    await spend?.tookOver(adopted.sandbox.sandboxId, adopted.windowId, costOf(connection.account, profile));
    return adopted.sandbox;
  }

  #start(
    connection: Connection,
    folder: Folder,
    { name, profile }: NamedProfile,
    signal?: AbortSignal,
  ): Promise<Sandbox> {
    const owner = this.#owner(folder, name);
    return startSandbox(profile, { ...this.#context(connection, folder), ...(signal && { signal }) }, owner);
  }

  async #noted({ account }: Connection, profile: Profile, starting: Promise<Sandbox>): Promise<Sandbox> {
    const sandbox = await starting;
    this.#startedAt.set(sandbox, Date.now());
    await this.#sources.spend?.started(sandbox.sandboxId, costOf(account, profile));
    return sandbox;
  }

  async #requireBudget({ account }: Connection): Promise<void> {
    if (account.isLocal !== true) await this.#sources.requireBudget?.();
  }

  #owner(folder: Folder, profileName: string): Owner {
    return { folder, profileName, windowId: this.#sources.machine?.windowId };
  }

  #context(connection: Connection, folder: Folder | undefined): StartContext {
    const root = folder ? (this.#sources.profileRoot?.(folder) ?? folder.path) : '';
    return { connection, root, build: this.#sources.buildImage };
  }

  #forget(started: Started): void {
    for (const [key, each] of this.#started) if (each === started) this.#started.delete(key);
  }

  /** Ends the sandboxes that this window started. */
  async dispose(): Promise<void> {
    const started = [...this.#started.values()];
    this.#started.clear();
    await Promise.allSettled(started.map(async ({ sandbox }) => this.terminate(await sandbox)));
  }
}

async function open(account: Account, appName: string): Promise<Connection> {
  const client = await connect(account);
  return { account, client, app: await openApp(client, appName) };
}

function isSame(a: Profile, b: Profile): boolean {
  return definitionKey(a) === definitionKey(b);
}

/** What the record of spend wants to know; nothing is billed for the local Modal. */
function costOf({ isLocal }: Account, profile: Profile) {
  const { idleTimeoutMs, timeoutMs } = profile;
  return { usdPerHour: isLocal ? 0 : (profilePricePerHourUsd(profile) ?? 0), idleTimeoutMs, timeoutMs };
}

function billing({ label, isLocal }: Account, profile?: Profile) {
  const price = isLocal || !profile ? undefined : profilePricePerHourUsd(profile);
  return { accountLabel: label, isBilled: isLocal !== true, ...(price !== undefined && { pricePerHourUsd: price }) };
}
