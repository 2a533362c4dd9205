import type { Sandbox } from 'modal';
import type { Clock } from '../../base/clock.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { WarmProfile } from '../../profiles/schema.ts';
import type { Folder } from '../folder.ts';
import { definitionKey } from '../sandbox-spec.ts';

/** A folder and a profile of which sandboxes are kept ready. */
export interface WarmTarget {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly warm: WarmProfile;
}

/** What the pool is made with. All of it may fail. */
export interface PoolParts {
  start(target: WarmTarget, signal: AbortSignal): Promise<Sandbox>;
  /** Makes a started sandbox ready: the workspace in it, set up. */
  prepare(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<void>;
  /** Runs the target's health check. Fails when the sandbox is not healthy. */
  check(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<void>;
  /** Sends the workspace's changes. */
  sync(sandbox: Sandbox, folder: Folder): Promise<void>;
  /** Runs a command that does nothing, which makes the sandbox live on. Fails when it has ended. */
  touch(sandbox: Sandbox): Promise<void>;
  end(sandbox: Sandbox): Promise<void>;
  /** The account and app in which sandboxes are started now; those of another are not given out. */
  account(): string;
  readonly clock: Clock;
  onChange?(): void;
}

interface WarmSandbox {
  readonly target: WarmTarget;
  /** What it was started for: equal for what it may be given to. */
  readonly key: string;
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
    const warm = this.#of({ folder, named }).at(-1);
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

  /** How many are neither ready nor being started. */
  missing(target: WarmTarget): number {
    const starting = this.#starting.get(this.#keyOf(target)) ?? 0;
    return Math.max(target.warm.sandboxes - this.#of(target).length - starting, 0);
  }

  /** Starts as many as are missing, side by side. Resolves with how many those were; throws when one could not be. */
  async fill(target: WarmTarget, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const started = await Promise.allSettled(
      Array.from({ length: this.missing(target) }, () => this.#add(target, signal)),
    );
    const failed = started.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    return started.length;
  }

  /** One of a target's sandboxes that are ready; it stays in the pool. */
  peek(target: WarmTarget): Sandbox | undefined {
    return this.#of(target)[0]?.sandbox;
  }

  /** Runs the health check in all of a target's sandboxes, and ends those that fail it. Resolves with how many. */
  async check(target: WarmTarget, signal: AbortSignal): Promise<number> {
    const own = this.#of(target);
    await Promise.all(own.map((each) => this.#use(each, () => this.#parts.check(each.sandbox, target, signal))));
    return own.length - this.#of(target).length;
  }

  /** Starts a sandbox, makes it ready, uses it and ends it: whether the profile works. */
  async probe<T>(target: WarmTarget, signal: AbortSignal, use: (sandbox: Sandbox) => Promise<T>): Promise<T> {
    const sandbox = await this.#parts.start(target, signal);
    try {
      await this.#parts.prepare(sandbox, target, signal);
      await this.#parts.check(sandbox, target, signal);
      return await use(sandbox);
    } finally {
      await this.#parts.end(sandbox);
    }
  }

  /** Ends those of which `isOld` is true, and those of another account. Resolves with how many. */
  async retire(isOld: (target: WarmTarget, ageMs: number) => boolean): Promise<number> {
    const now = this.#parts.clock.now();
    const old = this.#ready.filter(
      ({ target, key, startedAt }) => key !== this.#keyOf(target) || isOld(target, now - startedAt),
    );
    for (const each of old) this.#remove(each);
    await Promise.allSettled(old.map(({ sandbox }) => this.#parts.end(sandbox)));
    return old.length;
  }

  /** Sends a folder's changes to all that wait for it. One that cannot be reached is dropped. */
  async sync(folder: Folder): Promise<void> {
    const own = this.#ready.filter(({ target }) => target.folder.path === folder.path);
    await Promise.all(own.map((each) => this.#use(each, () => this.#parts.sync(each.sandbox, folder))));
  }

  /** Makes those of a target live on that would soon end of being idle. One that has ended is dropped. */
  async touch(target: WarmTarget): Promise<void> {
    const now = this.#parts.clock.now();
    const pauseMs = target.named.profile.idleTimeoutMs * TOUCH_AT;
    // A clock that was set back says nothing of when they were touched.
    const due = this.#of(target).filter(({ touchedAt }) => now < touchedAt || now - touchedAt >= pauseMs);
    await Promise.all(due.map((each) => this.#use(each, () => this.#parts.touch(each.sandbox))));
  }

  async #use(each: WarmSandbox, action: () => Promise<void>): Promise<void> {
    try {
      each.touchedAt = this.#parts.clock.now();
      await action();
    } catch {
      // A run has taken it meanwhile, and finds out by itself.
      if (!this.#ready.includes(each)) return;
      this.#remove(each);
      await this.#parts.end(each.sandbox).catch(() => {});
    }
  }

  async #add(target: WarmTarget, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(target);
    this.#starting.set(key, (this.#starting.get(key) ?? 0) + 1);
    try {
      const sandbox = await this.#parts.start(target, signal);
      try {
        await this.#parts.prepare(sandbox, target, signal);
        await this.#parts.check(sandbox, target, signal);
        signal.throwIfAborted();
      } catch (error) {
        await this.#parts.end(sandbox).catch(() => {});
        throw error;
      }
      const now = this.#parts.clock.now();
      this.#ready.push({ target, key, sandbox, startedAt: now, touchedAt: now });
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

  #of(target: Pick<WarmTarget, 'folder' | 'named'>): WarmSandbox[] {
    const key = this.#keyOf(target);
    return this.#ready.filter((each) => each.key === key);
  }

  #keyOf({ folder, named }: Pick<WarmTarget, 'folder' | 'named'>): string {
    return JSON.stringify([this.#parts.account(), folder.path, named.name, definitionKey(named.profile)]);
  }
}
