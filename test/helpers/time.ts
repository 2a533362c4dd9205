import { syncBuiltinESMExports } from 'node:module';
import timers, { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';

/** A clock that advances only on request. */
export class Time implements Clock {
  #now: number;
  #waiting: { at: number; action: () => void }[] = [];
  constructor(start = 0) {
    this.#now = start;
  }
  now = () => this.#now;
  after = (delayMs: number, action: () => void) => {
    const entry = { at: this.#now + delayMs, action };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== entry);
    };
  };
  /** Returns in how many milliseconds each waiting action is due. */
  next = () => this.#waiting.map(({ at }) => at - this.#now);
  pass(ms: number): Promise<void> {
    return this.set(this.#now + ms);
  }
  /** Sets the clock forward or back, and runs the actions that are due. Setting it back keeps the remaining delays. */
  async set(now: number): Promise<void> {
    if (now < this.#now) for (const entry of this.#waiting) entry.at -= this.#now - now;
    this.#now = now;
    const due = this.#waiting.filter(({ at }) => at <= this.#now);
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#now);
    for (const { action } of due) action();
    await turn();
  }
}

/**
 * Shortens every `setTimeout` of `node:timers/promises` to a twentieth. The SDK waits this way between its retries, ten
 * seconds in total, and has no option for it. Returns a function that undoes it.
 */
export function shortenWaits(): () => void {
  const { setTimeout } = timers;
  const set = (wait: typeof setTimeout) => {
    timers.setTimeout = wait;
    syncBuiltinESMExports();
  };
  set((delayMs = 0, value, options) => setTimeout(delayMs / 20, value, options));
  return () => set(setTimeout);
}
