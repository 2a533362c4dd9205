import { type Clock, MINUTE_MS } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import type { Message } from './protocol.ts';

/** The user is warned this long before the end, or when half of a shorter limit has passed. */
const WARNING_MS = 5 * MINUTE_MS;

export interface StopLimitOptions {
  readonly clock: Clock;
  /** Returns the limit in milliseconds. Called when the program stops for the first time. */
  limitMs(): Promise<number>;
  /** Called before the end. */
  warn(remainingMs: number): void;
  /** Ends the session, at this limit. */
  end(limitMs: number): void;
}

/**
 * Ends a session that stays at a breakpoint while the user does nothing, since its sandbox can't become idle. Each request of the
 * editor shows that the user is there.
 */
export class StopLimit {
  readonly #options: StopLimitOptions;
  #reading: Promise<number> | undefined;
  #limitMs: number | undefined;
  #isStopped = false;
  #cancel = () => {};

  constructor(options: StopLimitOptions) {
    this.#options = options;
  }

  /** Notes a message to the editor. */
  noteSent(message: Message): void {
    if (message.type !== 'event') return;
    if (message.event === 'stopped') this.#stopped().catch(logError);
    else if (message.event === 'continued' || message.event === 'terminated') this.dispose();
  }

  /** Notes that the user is there. */
  noteUse(): void {
    if (this.#isStopped) this.#restart();
  }

  /** Stops counting until the program stops again. */
  dispose(): void {
    this.#isStopped = false;
    this.#cancel();
  }

  async #stopped(): Promise<void> {
    this.#isStopped = true;
    this.#reading ??= this.#options.limitMs();
    this.#limitMs = await this.#reading;
    if (this.#isStopped) this.#restart();
  }

  #restart(): void {
    this.#cancel();
    const { clock, warn, end } = this.#options;
    const limitMs = this.#limitMs;
    if (limitMs === undefined) return;
    const warningMs = Math.min(WARNING_MS, limitMs / 2);
    this.#cancel = clock.after(limitMs - warningMs, () => {
      warn(warningMs);
      this.#cancel = clock.after(warningMs, () => {
        this.dispose();
        end(limitMs);
      });
    });
  }
}
