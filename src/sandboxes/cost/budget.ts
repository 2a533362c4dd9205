import { aboutUsd, formatUsd } from '../../modal/prices.ts';
import type { SpendRecord } from './spend.ts';

/** Dollars; 0 is no limit. */
export interface BudgetLimits {
  readonly perDayUsd: number;
  readonly perHourUsd: number;
}

export interface BudgetState {
  readonly todayUsd: number;
  readonly lastHourUsd: number;
  /** `near` from 80 % of a limit, `spent` from all of it. */
  readonly level: 'ok' | 'near' | 'spent';
  /** What is near or spent, in words; empty otherwise. */
  readonly words: string;
}

/** From this part of a limit on a person is warned. */
const NEAR = 0.8;

/** How the spend of this machine stands to the limits that its user has set. */
export async function budgetState(spend: SpendRecord, limits: BudgetLimits): Promise<BudgetState> {
  const [todayUsd, lastHourUsd] = await Promise.all([spend.usdToday(), spend.usdLastHour()]);
  const parts = [
    { spent: todayUsd, limit: limits.perDayUsd, name: 'today' },
    { spent: lastHourUsd, limit: limits.perHourUsd, name: 'in the last hour' },
  ].filter(({ limit }) => limit > 0);
  const worst = parts.sort((a, b) => b.spent / b.limit - a.spent / a.limit)[0];
  const share = worst ? worst.spent / worst.limit : 0;
  const level = share >= 1 ? 'spent' : share >= NEAR ? 'near' : 'ok';
  const words =
    worst && level !== 'ok'
      ? `${capitalized(aboutUsd(worst.spent))} of ${formatUsd(worst.limit)} is spent ${worst.name} (estimated)`
      : '';
  return { todayUsd, lastHourUsd, level, words };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
