import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import { explainError } from '../../modal/errors.ts';

export interface PolledStoreOptions<T> {
  /** Fetches everything anew; gets what it fetched the last time. */
  load(before: T | undefined): Promise<T>;
  /** How long after an answer the next look begins. */
  readonly pollMs?: number;
  readonly clock?: Clock;
}

const POLL_MS = 5_000;
const MAX_POLL_MS = 60_000;
/** Looking takes at most this part of the time, however slow the answers are. */
const MOST_BUSY = 1 / 5;

/**
 * What one view shows of the account: every tree has one. Asks only while somebody looks, one look at a time, slower after
 * failures and slow answers. The last answer stays while the next one is awaited or cannot be had.
 */
export class PolledStore<T> {
  readonly #load: PolledStoreOptions<T>['load'];
  readonly #pollMs: number;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #watched = false;
  #cancelPoll: () => void = () => {};
  #loading: Promise<void> | undefined;
  #wanted = false;
  #failures = 0;
  #epoch = 0;
  #value: T | undefined;
  #error: string | undefined;

  constructor({ load, pollMs = POLL_MS, clock = systemClock }: PolledStoreOptions<T>) {
    this.#load = load;
    this.#pollMs = pollMs;
    this.#clock = clock;
  }

  /** The last answer; absent before the first one. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Why the last look failed, in a sentence. */
  get error(): string | undefined {
    return this.#error;
  }

  /** Calls `listener` after each look that changed `value` or `error`. */
  readonly onDidChange = (listener: () => void): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  dispose(): void {
    this.watch(false);
    this.#listeners.clear();
  }

  /** Starts (with a look at once) or stops keeping up to date. */
  watch(watched: boolean): void {
    if (watched === this.#watched) return;
    this.#watched = watched;
    this.#cancelPoll();
    if (watched) void this.refresh();
  }

  /** Looks again, if anybody watches; a call while a look is under way makes one more follow. */
  refresh(): Promise<void> {
    if (!this.#watched) return Promise.resolve();
    this.#wanted = true;
    this.#loading ??= this.#run();
    return this.#loading;
  }

  /** Settles when the look that is under way has ended. */
  async settled(): Promise<void> {
    await this.#loading;
  }

  /** Forgets everything, as after a change of account, and looks again if anybody watches. */
  reset(): void {
    this.#epoch += 1;
    this.#failures = 0;
    this.#set(undefined, undefined);
    void this.refresh();
  }

  async #run(): Promise<void> {
    let tookMs = 0;
    this.#cancelPoll();
    while (this.#wanted && this.#watched) {
      this.#wanted = false;
      const startedAt = this.#clock.now();
      await this.#look();
      tookMs = this.#clock.now() - startedAt;
    }
    this.#loading = undefined;
    if (!this.#watched) return;
    const delayMs = Math.min(this.#pollMs * 2 ** this.#failures, MAX_POLL_MS);
    this.#cancelPoll = this.#clock.after(Math.max(delayMs, tookMs / MOST_BUSY), () => void this.refresh());
  }

  async #look(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const value = await this.#load(this.#value);
      if (epoch !== this.#epoch) return;
      this.#failures = 0;
      this.#set(value, undefined);
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.#failures += 1;
      const sentence = explainError(error);
      // A failure that repeats is logged once.
      if (sentence !== this.#error) logError(error);
      this.#set(this.#value, sentence);
    }
  }

  #set(value: T | undefined, error: string | undefined): void {
    if (error === this.#error && isDeepStrictEqual(value, this.#value)) return;
    this.#value = value;
    this.#error = error;
    for (const listener of [...this.#listeners]) listener();
  }
}
