import type { Sandbox } from 'modal';
import type { Clock } from '../../base/clock.ts';
import { Emitter, type Event } from '../../base/events.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import { idleTimeoutOf, type WarmProfile } from '../../profiles/schema.ts';
import type { Folder } from '../folder.ts';
import { definitionKey } from '../sandbox-spec.ts';

/** A source of waiting sandboxes for runs. */
export interface WarmSource {
  /** Takes a warm sandbox of the folder's profile; undefined if there is none. */
  take(folder: Folder, named: NamedProfile): Sandbox | undefined;
}

/** A folder and a profile for which sandboxes are kept warm. */
export interface WarmTarget {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly warm: WarmProfile;
}

/** The operations with which a pool gets, uses, and drops sandboxes. */
export interface PoolDependencies {
  start(target: WarmTarget, signal: AbortSignal): Promise<Sandbox>;
  /** Syncs the workspace to a new sandbox and runs the target's setup. */
  prepare(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<void>;
  /** Runs the target's health check. Throws if the sandbox is unhealthy. */
  check(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<void>;
  /** Sends the workspace's changes. */
  sync(sandbox: Sandbox, folder: Folder): Promise<void>;
  /** Restarts the sandbox's idle timeout with a command that does nothing. Throws if the sandbox has stopped. */
  touch(sandbox: Sandbox): Promise<void>;
  /** Ends a sandbox, later if it can't be ended now. Never throws. */
  letGo(sandbox: Sandbox): Promise<unknown>;
  /** The account and app in which sandboxes start now. Those of another one aren't given out. */
  account(): string;
  readonly clock: Clock;
}

interface WarmSandbox {
  readonly target: WarmTarget;
  /** The account, folder, profile, and definition that it was started for. It is given out only for an equal key. */
  readonly key: string;
  readonly sandbox: Sandbox;
  readonly startedAt: number;
  touchedAt: number;
}

/** The share of its idle timeout after which a waiting sandbox is touched. */
const TOUCH_AFTER_SHARE = 0.4;

/** Started sandboxes that wait for a run. Only those that passed their health check are given out. */
export class WarmPool implements WarmSource {
  readonly #dependencies: PoolDependencies;
  #warm: WarmSandbox[] = [];
  /** The number of sandboxes being started, by key. */
  readonly #starting = new Map<string, number>();
  readonly #didChange = new Emitter<void>();
  /** Fires when a sandbox becomes available or leaves the pool. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  constructor(dependencies: PoolDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes a sandbox out of the pool, the youngest first; undefined if there is none. */
  take(folder: Folder, named: NamedProfile): Sandbox | undefined {
    const warm = this.#of({ folder, named }).at(-1);
    if (!warm) return undefined;
    this.#remove(warm);
    return warm.sandbox;
  }

  /** Returns how many sandboxes of a folder's profile are warm. */
  count(folder: Folder, profileName: string): number {
    return this.#warm.filter(({ target }) => target.folder.path === folder.path && target.named.name === profileName)
      .length;
  }

  get isEmpty(): boolean {
    return this.#warm.length === 0 && this.#starting.size === 0;
  }

  /** Returns how many of a target's sandboxes are neither warm nor being started. */
  missing(target: WarmTarget): number {
    const starting = this.#starting.get(this.#keyOf(target)) ?? 0;
    return Math.max(target.warm.sandboxes - this.#of(target).length - starting, 0);
  }

  /** Starts the missing sandboxes in parallel. Resolves with their number; throws if one couldn't be started. */
  async fill(target: WarmTarget, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const started = await Promise.allSettled(
      Array.from({ length: this.missing(target) }, () => this.#add(target, signal)),
    );
    const failed = started.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    return started.length;
  }

  /** Returns one of a target's warm sandboxes, and keeps it in the pool. */
  peek(target: WarmTarget): Sandbox | undefined {
    return this.#of(target)[0]?.sandbox;
  }

  /**
   * Runs the health check in all of a target's sandboxes. Terminates those that fail it, and resolves with their
   * number.
   */
  async check(target: WarmTarget, signal: AbortSignal): Promise<number> {
    const own = this.#of(target);
    await Promise.all(own.map((each) => this.#use(each, () => this.#dependencies.check(each.sandbox, target, signal))));
    return own.length - this.#of(target).length;
  }

  /** Starts, prepares, and checks a sandbox that is terminated after `use`, to find out whether the profile works. */
  async probe<T>(target: WarmTarget, signal: AbortSignal, use: (sandbox: Sandbox) => Promise<T>): Promise<T> {
    const sandbox = await this.#dependencies.start(target, signal);
    try {
      await this.#dependencies.prepare(sandbox, target, signal);
      await this.#dependencies.check(sandbox, target, signal);
      return await use(sandbox);
    } finally {
      await this.#dependencies.letGo(sandbox);
    }
  }

  /** Terminates those for which `isOld` returns true, and those of another account. Resolves with their number. */
  async retire(isOld: (target: WarmTarget, ageMs: number) => boolean): Promise<number> {
    const now = this.#dependencies.clock.now();
    const old = this.#warm.filter(
      ({ target, key, startedAt }) => key !== this.#keyOf(target) || isOld(target, now - startedAt),
    );
    for (const each of old) this.#remove(each);
    await Promise.all(old.map(({ sandbox }) => this.#dependencies.letGo(sandbox)));
    return old.length;
  }

  /** Sends a folder's changes to all of its warm sandboxes. One that can't be reached is dropped. */
  async sync(folder: Folder): Promise<void> {
    // Those of another account are about to be terminated.
    const own = this.#warm.filter(
      ({ target, key }) => target.folder.path === folder.path && key === this.#keyOf(target),
    );
    await Promise.all(own.map((each) => this.#use(each, () => this.#dependencies.sync(each.sandbox, folder))));
  }

  /** Touches the target's sandboxes that are about to reach their idle timeout, and drops any that have stopped. */
  async touch(target: WarmTarget): Promise<void> {
    const now = this.#dependencies.clock.now();
    const intervalMs = idleTimeoutOf(target.named.profile) * TOUCH_AFTER_SHARE;
    // If the clock was set back, the last touch is unknown.
    const due = this.#of(target).filter(({ touchedAt }) => now < touchedAt || now - touchedAt >= intervalMs);
    await Promise.all(due.map((each) => this.#use(each, () => this.#dependencies.touch(each.sandbox))));
  }

  async #use(each: WarmSandbox, action: () => Promise<void>): Promise<void> {
    try {
      each.touchedAt = this.#dependencies.clock.now();
      await action();
    } catch {
      // If a run has taken it in the meantime, that run finds out.
      if (!this.#warm.includes(each)) return;
      this.#remove(each);
      await this.#dependencies.letGo(each.sandbox);
    }
  }

  async #add(target: WarmTarget, signal: AbortSignal): Promise<void> {
    const key = this.#keyOf(target);
    this.#starting.set(key, (this.#starting.get(key) ?? 0) + 1);
    try {
      const sandbox = await this.#dependencies.start(target, signal);
      try {
        signal.throwIfAborted();
        await this.#dependencies.prepare(sandbox, target, signal);
        await this.#dependencies.check(sandbox, target, signal);
        signal.throwIfAborted();
      } catch (error) {
        await this.#dependencies.letGo(sandbox);
        throw error;
      }
      const now = this.#dependencies.clock.now();
      this.#warm.push({ target, key, sandbox, startedAt: now, touchedAt: now });
      this.#didChange.fire();
    } finally {
      const left = (this.#starting.get(key) ?? 1) - 1;
      if (left > 0) this.#starting.set(key, left);
      else this.#starting.delete(key);
    }
  }

  #remove(warm: WarmSandbox): void {
    this.#warm = this.#warm.filter((each) => each !== warm);
    this.#didChange.fire();
  }

  #of(target: Pick<WarmTarget, 'folder' | 'named'>): WarmSandbox[] {
    const key = this.#keyOf(target);
    return this.#warm.filter((each) => each.key === key);
  }

  #keyOf({ folder, named }: Pick<WarmTarget, 'folder' | 'named'>): string {
    return JSON.stringify([this.#dependencies.account(), folder.path, named.name, definitionKey(named.profile)]);
  }
}
