import type { App, ModalClient, Sandbox } from 'modal';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { createSandbox, openApp } from '../modal/sandboxes.ts';
import { originTags } from './origin.ts';

/** What a new sandbox of a session is made of. */
export interface SessionSettings {
  readonly app: string;
  readonly image: string;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** A workspace folder on this machine. */
export interface Folder {
  readonly name: string;
  readonly path: string;
}

/** A sandbox that serves a folder. */
export interface Session {
  readonly folder: Folder;
  readonly sandbox: Sandbox;
  readonly accountLabel: string;
  /** Whether the sandbox costs money. */
  readonly isBilled: boolean;
  /** True when this call started the sandbox. */
  readonly isNew: boolean;
}

/** A connection to an account: the client and the app our sandboxes live in. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
}

export interface SessionSources {
  account(): Promise<Account>;
  settings(): SessionSettings;
  /** A sandbox was started or was found to have ended: lists of sandboxes are out of date. */
  onChange?(): void;
}

/** The sandboxes of this window: at most one per folder, started when a run asks for it. */
export class Sessions {
  readonly #sources: SessionSources;
  #connection: { key: string; opened: Promise<Connection> } | undefined;
  readonly #sandboxes = new Map<string, Promise<Sandbox>>();

  constructor(sources: SessionSources) {
    this.#sources = sources;
  }

  /** What new sandboxes are made of. */
  get settings(): SessionSettings {
    return this.#sources.settings();
  }

  /** Connects to the chosen account; the connection is kept until account or app change. */
  async connection(): Promise<Connection> {
    const account = await this.#sources.account();
    const { app } = this.#sources.settings();
    const key = JSON.stringify([account, app]);
    if (this.#connection?.key !== key) {
      this.#connection = { key, opened: open(account, app) };
      this.#sandboxes.clear();
    }
    const current = this.#connection;
    return current.opened.catch((error) => {
      if (this.#connection === current) this.#connection = undefined;
      throw error;
    });
  }

  /** The folder's sandbox. Two calls at once share one start. Throws the SDK's errors. */
  async acquire(folder: Folder): Promise<Session> {
    const connection = await this.connection();
    const running = this.#sandboxes.get(folder.path);
    const { label: accountLabel, isLocal } = connection.account;
    const common = { folder, accountLabel, isBilled: isLocal !== true };
    if (running) return { ...common, sandbox: await running, isNew: false };
    const { image, timeoutMs, idleTimeoutMs } = this.#sources.settings();
    const starting = createSandbox(connection.client, connection.app, {
      image,
      timeoutMs,
      idleTimeoutMs,
      tags: originTags(folder),
    });
    this.#sandboxes.set(folder.path, starting);
    try {
      return { ...common, sandbox: await starting, isNew: true };
    } catch (error) {
      this.#forget(folder.path, starting);
      throw error;
    } finally {
      this.#sources.onChange?.();
    }
  }

  /** The folder's sandbox, where this window has started one. */
  async running(folder: Folder): Promise<Sandbox | undefined> {
    return this.#sandboxes.get(folder.path)?.catch(() => undefined);
  }

  /** A session with a sandbox that runs already, whoever started it. Fails at its first use when it has ended. */
  async attach(sandboxId: string, folder: Folder): Promise<Session> {
    const { client, account } = await this.connection();
    const sandbox = await client.sandboxes.fromId(sandboxId);
    return { folder, sandbox, accountLabel: account.label, isBilled: account.isLocal !== true, isNew: false };
  }

  /** Drops a session whose sandbox has ended, so that the next run starts another. */
  async drop(session: Session): Promise<void> {
    const kept = this.#sandboxes.get(session.folder.path);
    if (!kept || (await kept.catch(() => undefined)) !== session.sandbox) return;
    this.#forget(session.folder.path, kept);
    this.#sources.onChange?.();
  }

  #forget(path: string, sandbox: Promise<Sandbox>): void {
    if (this.#sandboxes.get(path) === sandbox) this.#sandboxes.delete(path);
  }

  /** Ends the sandboxes that this window started. */
  async dispose(): Promise<void> {
    const sandboxes = [...this.#sandboxes.values()];
    this.#sandboxes.clear();
    await Promise.allSettled(sandboxes.map(async (sandbox) => (await sandbox).terminate()));
  }
}

async function open(account: Account, appName: string): Promise<Connection> {
  const client = await connect(account);
  return { account, client, app: await openApp(client, appName) };
}
