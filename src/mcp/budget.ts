import { type Clock, HOUR_MS } from '../base/clock.ts';
import { Emitter, type Event } from '../base/events.ts';
import { aboutUsd, formatUsd } from '../modal/prices.ts';
import { AgentError } from './errors.ts';
import { strings } from './strings.ts';

/** A sandbox that is being paid for. */
interface Meter {
  readonly usdPerHour: number;
  readonly since: number;
}

/** The part of the user's money that one session of an agent may spend. All amounts are estimates. */
export class AgentBudget {
  readonly limitUsd: number;
  readonly #clock: Clock;
  readonly #meters = new Map<string, Meter>();
  readonly #didSpend = new Emitter<void>();
  #endedUsd = 0;
  #cancelCheck: () => void = () => {};
  /** Fires when all of it is spent. */
  readonly onDidSpend: Event<void> = this.#didSpend.event;

  constructor(limitUsd: number, clock: Clock) {
    this.limitUsd = limitUsd;
    this.#clock = clock;
  }

  /** What the agent's sandboxes have cost so far. */
  get spentUsd(): number {
    const running = [...this.#meters.values()].map((meter) => this.#costOf(meter));
    return running.reduce((sum, usd) => sum + usd, this.#endedUsd);
  }

  /** Throws `AgentError` if nothing is left. */
  require(): void {
    if (this.spentUsd < this.limitUsd) return;
    throw this.spentError();
  }

  spentError(): AgentError {
    const facts = { spentUsd: this.spentUsd.toPrecision(2), limitUsd: String(this.limitUsd) };
    return new AgentError('budget', strings.budgetSpent(aboutUsd(this.spentUsd), formatUsd(this.limitUsd)), facts);
  }

  /** Starts counting the cost of a sandbox. */
  start(id: string, usdPerHour: number): void {
    this.#meters.set(id, { usdPerHour, since: this.#clock.now() });
    this.#check();
  }

  /** Stops counting. */
  stop(id: string): void {
    const meter = this.#meters.get(id);
    if (meter) this.#endedUsd += this.#costOf(meter);
    this.#meters.delete(id);
    this.#check();
  }

  dispose(): void {
    this.#cancelCheck();
  }

  #costOf({ usdPerHour, since }: Meter): number {
    return (usdPerHour * (this.#clock.now() - since)) / HOUR_MS;
  }

  /** Waits until the rest is spent at the current rate. */
  #check(): void {
    this.#cancelCheck();
    const usdPerHour = [...this.#meters.values()].reduce((sum, meter) => sum + meter.usdPerHour, 0);
    if (usdPerHour === 0) return;
    const leftUsd = this.limitUsd - this.spentUsd;
    if (leftUsd <= 0) this.#didSpend.fire();
    // Timers can't wait for more than 24 days.
    else
      this.#cancelCheck = this.#clock.after(Math.min((leftUsd / usdPerHour) * HOUR_MS + 1, HOUR_MS), () =>
        this.#check(),
      );
  }
}
