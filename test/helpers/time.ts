import { syncBuiltinESMExports } from 'node:module';
import timers, { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';

/** Time that passes when it is told to. */
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
  /** When the next action is due, in milliseconds from this moment. */
  next = () => this.#waiting.map(({ at }) => at - this.#now);
  pass(ms: number): Promise<void> {
    return this.set(this.#now + ms);
  }
  /** Sets the clock, forward or back; what is due then is done. Going back, what was to come stays as far away. */
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
 * Lets every wait on `setTimeout` of `node:timers/promises` take a twentieth: the SDK pauses so between its tries, ten
 * seconds in all, and has no option for it. @returns what makes them as long as before
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
