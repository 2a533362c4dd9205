import type { Sandbox } from 'modal';
import type { Clock } from '../clock.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { WarmProfile } from '../profiles/schema.ts';
import type { Folder } from './sessions.ts';
import { definitionKey } from './start.ts';

/** A folder and a profile of which sandboxes are kept ready. */
export interface WarmTarget {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly warm: WarmProfile;
}

/** What the pool is made with. All of it may fail. */
export interface PoolParts {
  start(target: WarmTarget, signal: AbortSignal): Promise<Sandbox>;
  /** Makes a started sandbox ready: the workspace in it, set up, found healthy. */
  prepare(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<void>;
  /** Sends the workspace's changes. */
  sync(sandbox: Sandbox, folder: Folder): Promise<void>;
  /** Runs a command that does nothing, which makes the sandbox live on. Fails when it has ended. */
  touch(sandbox: Sandbox): Promise<void>;
  end(sandbox: Sandbox): Promise<void>;
  readonly clock: Clock;
  onChange?(): void;
}

interface WarmSandbox {
  readonly target: WarmTarget;
  readonly sandbox: Sandbox;
  readonly startedAt: number;
  touchedAt: number;
}

/** A part of the idle time-out, after which a waiting sandbox is touched. */
const TOUCH_AT = 0.4;

/** Started sandboxes that wait for a run. Only those that were found healthy are given out. */
export class WarmPool {
  readonly #parts: PoolParts;
  #ready: WarmSandbox[] = [];
  /** How many are being started, by target. */
  readonly #starting = new Map<string, number>();

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Takes a sandbox out of the pool, the youngest first; undefined when none is ready. */
  take(folder: Folder, named: NamedProfile): Sandbox | undefined {
    const key = keyOf(folder, named);
    const warm = this.#ready.findLast(({ target }) => keyOf(target.folder, target.named) === key);
    if (!warm) return undefined;
    this.#remove(warm);
    return warm.sandbox;
  }

  /** How many of a folder's profile are ready. */
  count(folder: Folder, profileName: string): number {
    return this.#ready.filter(({ target }) => target.folder.path === folder.path && target.named.name === profileName)
      .length;
  }

  get isEmpty(): boolean {
    return this.#ready.length === 0 && this.#starting.size === 0;
  }

  /** Starts as many as are missing, side by side. Resolves with how many are ready now; throws when one could not be. */
  async fill(target: WarmTarget, signal: AbortSignal): Promise<number> {
    const key = keyOf(target.folder, target.named);
    const have = this.#ready.filter((each) => keyOf(each.target.folder, each.target.named) === key).length;
    const missing = target.warm.sandboxes - have - (this.#starting.get(key) ?? 0);
    const started = await Promise.allSettled(
      Array.from({ length: Math.max(missing, 0) }, () => this.#add(key, target, signal)),
    );
    const failed = started.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    return started.length;
  }

  /** One of a target's sandboxes that are ready; it stays in the pool. */
  peek({ folder, named }: WarmTarget): Sandbox | undefined {
    const key = keyOf(folder, named);
    return this.#ready.find(({ target }) => keyOf(target.folder, target.named) === key)?.sandbox;
  }

  /** Starts a sandbox, makes it ready, uses it and ends it: whether the profile works. */
  async probe<T>(target: WarmTarget, signal: AbortSignal, use: (sandbox: Sandbox) => Promise<T>): Promise<T> {
    const sandbox = await this.#parts.start(target, signal);
    try {
      await this.#parts.prepare(sandbox, target, signal);
      return await use(sandbox);
    } finally {
      await this.#parts.end(sandbox);
    }
  }

  /** Ends those of which `isOld` is true. Resolves with how many. */
  async retire(isOld: (target: WarmTarget, ageMs: number) => boolean): Promise<number> {
    const old = this.#ready.filter(({ target, startedAt }) => isOld(target, this.#parts.clock.now() - startedAt));
    for (const each of old) this.#remove(each);
    await Promise.allSettled(old.map(({ sandbox }) => this.#parts.end(sandbox)));
    return old.length;
  }

  /** Sends a folder's changes to all that wait for it. One that cannot be reached is dropped. */
  async sync(folder: Folder): Promise<void> {
    const own = this.#ready.filter(({ target }) => target.folder.path === folder.path);
    await Promise.all(own.map((each) => this.#use(each, () => this.#parts.sync(each.sandbox, folder))));
  }

  /** Makes those live on that would soon end of being idle. */
  async touch(): Promise<void> {
    const now = this.#parts.clock.now();
    const due = this.#ready.filter(
      ({ touchedAt, target }) => now - touchedAt >= target.named.profile.idleTimeoutMs * TOUCH_AT,
    );
    await Promise.all(due.map((each) => this.#use(each, () => this.#parts.touch(each.sandbox))));
  }

  async #use(each: WarmSandbox, action: () => Promise<void>): Promise<void> {
    try {
      each.touchedAt = this.#parts.clock.now();
      await action();
    } catch {
      this.#remove(each);
      await this.#parts.end(each.sandbox).catch(() => {});
    }
  }

  async #add(key: string, target: WarmTarget, signal: AbortSignal): Promise<void> {
    this.#starting.set(key, (this.#starting.get(key) ?? 0) + 1);
    try {
      const sandbox = await this.#parts.start(target, signal);
      try {
        await this.#parts.prepare(sandbox, target, signal);
        signal.throwIfAborted();
      } catch (error) {
        await this.#parts.end(sandbox).catch(() => {});
        throw error;
      }
      const now = this.#parts.clock.now();
      this.#ready.push({ target, sandbox, startedAt: now, touchedAt: now });
      this.#parts.onChange?.();
    } finally {
      const left = (this.#starting.get(key) ?? 1) - 1;
      if (left > 0) this.#starting.set(key, left);
      else this.#starting.delete(key);
    }
  }

  #remove(warm: WarmSandbox): void {
    this.#ready = this.#ready.filter((each) => each !== warm);
    this.#parts.onChange?.();
  }
}

function keyOf({ path }: Folder, { name, profile }: NamedProfile): string {
  return JSON.stringify([path, name, definitionKey(profile)]);
}
