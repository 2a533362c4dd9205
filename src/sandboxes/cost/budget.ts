import { UserError } from '../../base/errors.ts';
import { Emitter, type Event } from '../../base/events.ts';
import { aboutUsd, formatUsd } from '../../modal/prices.ts';
import { strings } from '../strings.ts';
import type { SpendRecord } from './spend.ts';

/** In US dollars; 0 means no limit. */
export interface BudgetLimits {
  readonly perDayUsd: number;
  readonly perHourUsd: number;
}

export interface BudgetState {
  readonly todayUsd: number;
  readonly lastHourUsd: number;
  /** `near` from 80% of a limit, `spent` from 100%. */
  readonly level: 'ok' | 'near' | 'spent';
  /** The amount spent and the limit, as a sentence without a period. Empty while the level is `ok`. */
  readonly summary: string;
}

/** Decides whether a sandbox that costs money may be started. */
export interface BudgetGate {
  /** Throws `UserError` if not. */
  require(): Promise<void>;
}

export interface BudgetDependencies {
  readonly spend: SpendRecord;
  limits(): BudgetLimits;
  /** Asks whether to start a sandbox although the budget is spent. */
  confirm(state: BudgetState): Promise<boolean>;
}

/** The share of a limit at which it counts as nearly spent. */
const NEAR_SHARE = 0.8;

/** The user's budget for sandboxes started on this computer. */
export class Budget implements BudgetGate {
  readonly #dependencies: BudgetDependencies;
  readonly #didChangeLevel = new Emitter<BudgetState>();
  #level: BudgetState['level'] = 'ok';
  /** Fires when a check finds another level than the last one did. */
  readonly onDidChangeLevel: Event<BudgetState> = this.#didChangeLevel.event;

  constructor(dependencies: BudgetDependencies) {
    this.#dependencies = dependencies;
  }

  /** Reads what has been spent. Has no side effect. */
  state(): Promise<BudgetState> {
    return budgetState(this.#dependencies.spend, this.#dependencies.limits());
  }

  /** Reads what has been spent, and fires `onDidChangeLevel` if that crossed a limit. */
  async check(): Promise<BudgetState> {
    const state = await this.state();
    const isChanged = state.level !== this.#level;
    this.#level = state.level;
    if (isChanged) this.#didChangeLevel.fire(state);
    return state;
  }

  /** Throws `UserError` if the budget is spent and the user doesn't override it. */
  async require(): Promise<void> {
    const state = await this.check();
    if (state.level === 'spent' && !(await this.#dependencies.confirm(state)))
      throw new UserError(strings.budgetSpent(state.summary), {
        actions: ['showBudgetSettings', 'showSandboxes', 'useLocalModal'],
      });
  }
}

/** Compares what this computer's sandboxes have cost with the limits. */
export async function budgetState(spend: SpendRecord, limits: BudgetLimits): Promise<BudgetState> {
  const [todayUsd, lastHourUsd] = await Promise.all([spend.usdToday(), spend.usdLastHour()]);
  const closest = [
    { spent: todayUsd, limit: limits.perDayUsd, summary: strings.spentToday },
    { spent: lastHourUsd, limit: limits.perHourUsd, summary: strings.spentLastHour },
  ]
    .filter(({ limit }) => limit > 0)
    .sort((a, b) => b.spent / b.limit - a.spent / a.limit)[0];
  const share = closest ? closest.spent / closest.limit : 0;
  const level = share >= 1 ? 'spent' : share >= NEAR_SHARE ? 'near' : 'ok';
  const summary = closest && level !== 'ok' ? closest.summary(aboutUsd(closest.spent), formatUsd(closest.limit)) : '';
  return { todayUsd, lastHourUsd, level, summary };
}
