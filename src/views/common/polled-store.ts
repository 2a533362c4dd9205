import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import { explain } from '../../modal/explain/explain.ts';

export interface PolledStoreOptions<T> {
  /** Fetches the value; gets the previous one. */
  load(before: T | undefined): Promise<T>;
  /** The time from a response to the next request. */
  readonly pollIntervalMs?: number;
  readonly clock?: Clock;
}

const POLL_INTERVAL_MS = 5_000;
const MAX_POLL_INTERVAL_MS = 60_000;
/** The maximum share of time spent on requests, however slow the responses are. */
const MAX_BUSY = 1 / 5;

/**
 * The data that one view shows. Polls only while the view is visible, one request at a time, and less often after failures
 * and slow responses. Keeps the last value while the next one is pending or if it fails.
 */
export class PolledStore<T> {
  readonly #load: PolledStoreOptions<T>['load'];
  readonly #pollIntervalMs: number;
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

  constructor({ load, pollIntervalMs = POLL_INTERVAL_MS, clock = systemClock }: PolledStoreOptions<T>) {
    this.#load = load;
    this.#pollIntervalMs = pollIntervalMs;
    this.#clock = clock;
  }

  /** The last value; undefined before the first response. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Why the last request failed, as a message for the user. */
  get error(): string | undefined {
    return this.#error;
  }

  /** Calls `listener` after each request that changed `value` or `error`. */
  readonly onDidChange = (listener: () => void): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  dispose(): void {
    this.watch(false);
    this.#listeners.clear();
  }

  /** Starts polling, with a request at once, or stops it. */
  watch(watched: boolean): void {
    if (watched === this.#watched) return;
    this.#watched = watched;
    this.#cancelPoll();
    if (watched) void this.refresh();
  }

  /** Requests the value again if the store is watched. A call during a request makes another one follow. */
  refresh(): Promise<void> {
    if (!this.#watched) return Promise.resolve();
    this.#wanted = true;
    this.#loading ??= this.#run();
    return this.#loading;
  }

  /** Resolves when the pending requests are done. */
  async settled(): Promise<void> {
    await this.#loading;
  }

  /** Forgets the value, for example after a change of account, and requests it again if the store is watched. */
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
      await this.#request();
      tookMs = this.#clock.now() - startedAt;
    }
    this.#loading = undefined;
    if (!this.#watched) return;
    const delayMs = Math.min(this.#pollIntervalMs * 2 ** this.#failures, MAX_POLL_INTERVAL_MS);
    this.#cancelPoll = this.#clock.after(Math.max(delayMs, tookMs / MAX_BUSY), () => void this.refresh());
  }

  async #request(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const value = await this.#load(this.#value);
      if (epoch !== this.#epoch) return;
      this.#failures = 0;
      this.#set(value, undefined);
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.#failures += 1;
      const sentence = explain(error).message;
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
