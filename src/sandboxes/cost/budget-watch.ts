import { type Clock, MINUTE_MS } from '../../base/clock.ts';

export interface BudgetWatchDependencies {
  readonly clock: Clock;
  /** Checks the budget. Throws if a limit isn't valid. */
  check(): Promise<unknown>;
  /** Returns whether sandboxes of this window cost money at the moment. */
  isSpending(): Promise<boolean>;
}

/** Checks the budget so often that warnings come in time: at each `update`, and every minute while sandboxes cost money. */
export class BudgetWatch {
  readonly #dependencies: BudgetWatchDependencies;
  #cancel: (() => void) | undefined;
  #isDisposed = false;

  constructor(dependencies: BudgetWatchDependencies) {
    this.#dependencies = dependencies;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#cancel?.();
  }

  /** Checks now. Call it when sandboxes start or stop, and when the limits change. */
  async update(): Promise<void> {
    const { clock, check, isSpending } = this.#dependencies;
    // The next start reports a limit that isn't valid.
    await check().catch(() => {});
    const isDue = await isSpending();
    this.#cancel?.();
    this.#cancel = isDue && !this.#isDisposed ? clock.after(MINUTE_MS, () => void this.update()) : undefined;
  }
}
