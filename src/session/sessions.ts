import type { App, Image, ModalClient, Sandbox } from 'modal';
import { type BuildContext, buildImage } from '../images/build.ts';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { createSandbox, openApp, Tag } from '../modal/sandboxes.ts';
import { profilePricePerHourUsd } from '../profiles/hardware.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { type ImageProfile, imageOf, type Profile } from '../profiles/schema.ts';
import { buildVariables, readEnvFile, sandboxVariables } from '../profiles/variables.ts';
import { folderKey, originTags } from './origin.ts';

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
  /** The profile's name; absent for a sandbox that was not started from one. */
  readonly profile?: string;
  readonly accountLabel: string;
  /** Estimated, in US dollars; absent where nothing is billed or the price is not known. */
  readonly pricePerHourUsd?: number;
  /** Whether the sandbox costs money. */
  readonly isBilled: boolean;
  /** True when this call started the sandbox. */
  readonly isNew: boolean;
  /** The sandbox was started before its profile was changed. */
  readonly isOutdated: boolean;
}

/** A connection to an account: the client and the app our sandboxes live in. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
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
  buildImage?(image: ImageProfile, context: BuildContext): Promise<Image>;
  /** A sandbox was started or was found to have ended: lists of sandboxes are out of date. */
  onChange?(): void;
}

/** What was started for a folder and a profile. */
interface Started {
  readonly name: string;
  readonly folder: Folder;
  readonly profile: Profile;
  readonly sandbox: Promise<Sandbox>;
}

/** The sandboxes of this window: at most one per folder and profile, started when a run asks for it. */
export class Sessions {
  readonly #sources: SessionSources;
  #connection: { key: string; opened: Promise<Connection> } | undefined;
  /** By folder and profile; the one that was used last comes last. */
  readonly #started = new Map<string, Started>();

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
    }
    const current = this.#connection;
    return current.opened.catch((error) => {
      if (this.#connection === current) this.#connection = undefined;
      throw error;
    });
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
    const started = running ?? {
      name: named.name,
      folder,
      profile: named.profile,
      sandbox: this.#start(connection, named.profile, folder, named.name),
    };
    this.#started.delete(key);
    this.#started.set(key, started);
    try {
      const sandbox = await started.sandbox;
      return {
        ...billing(connection.account, started.profile),
        folder,
        sandbox,
        profile: named.name,
        isNew: !running,
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
    return this.#start(await this.connection(), profile, folder);
  }

  /** The image of the folder's profile, built where there is none. Throws as `acquire` does, and the signal's reason. */
  async image(folder: Folder, options: ImageOptions = {}): Promise<ProfileImage> {
    const connection = await this.connection();
    const named = await this.#sources.profile(folder);
    const { image } = await this.#build(connection, named.profile, folder, options);
    return { ...connection, profile: named.name, image };
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
    this.#forget(started);
    await sandbox.terminate();
    this.#sources.onChange?.();
    return true;
  }

  /** A session with a sandbox that runs already, whoever started it. Fails at its first use when it has ended. */
  async attach(sandboxId: string, folder: Folder): Promise<Session> {
    const { client, account } = await this.connection();
    const own = await this.runningAll(folder);
    // Another object for the same sandbox would open a connection of its own.
    const sandbox = own.find((each) => each.sandboxId === sandboxId) ?? (await client.sandboxes.fromId(sandboxId));
    return { ...billing(account), folder, sandbox, isNew: false, isOutdated: false };
  }

  /** Drops a sandbox that has ended, so that the next run starts another. */
  async drop({ sandbox }: Pick<Session, 'sandbox'>): Promise<void> {
    for (const started of [...this.#started.values()]) {
      if ((await started.sandbox.catch(() => undefined)) !== sandbox) continue;
      this.#forget(started);
      this.#sources.onChange?.();
    }
  }

  /** With a `name`, the sandbox is the folder's own: it has the folder's host volume and can be found again by its tags. */
  async #start(
    { client, app, account }: Connection,
    profile: Profile,
    folder?: Folder,
    name?: string,
  ): Promise<Sandbox> {
    const { image, env } = await this.#build({ client, app, account }, profile, folder);
    return createSandbox(client, app, {
      profile,
      image,
      env,
      ...(folder && profile.hostVolume && { hostVolume: `vscode-host-${folderKey(folder.path)}` }),
      tags: folder && name ? { ...originTags(folder), [Tag.profile]: name } : {},
    });
  }

  /** The image of a profile, with the variables that its sandboxes get. */
  async #build({ client, app, account }: Connection, profile: Profile, folder?: Folder, options: ImageOptions = {}) {
    const root = folder ? (this.#sources.profileRoot?.(folder) ?? folder.path) : '';
    const fromFile = await readEnvFile(profile, root);
    const build = this.#sources.buildImage ?? buildImage;
    const image = await build(imageOf(profile), {
      ...options,
      client,
      app,
      folderPath: root,
      isLocal: account.isLocal === true,
      variables: buildVariables(profile, fromFile, process.env),
    });
    return { image, env: sandboxVariables(profile, fromFile) };
  }

  #forget(started: Started): void {
    for (const [key, each] of this.#started) if (each === started) this.#started.delete(key);
  }

  /** Ends the sandboxes that this window started. */
  async dispose(): Promise<void> {
    const started = [...this.#started.values()];
    this.#started.clear();
    await Promise.allSettled(started.map(async ({ sandbox }) => (await sandbox).terminate()));
  }
}

async function open(account: Account, appName: string): Promise<Connection> {
  const client = await connect(account);
  return { account, client, app: await openApp(client, appName) };
}

function isSame(a: Profile, b: Profile): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function billing({ label, isLocal }: Account, profile?: Profile) {
  const price = isLocal || !profile ? undefined : profilePricePerHourUsd(profile);
  return { accountLabel: label, isBilled: isLocal !== true, ...(price !== undefined && { pricePerHourUsd: price }) };
}
