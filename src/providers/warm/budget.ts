import { Budget, type BudgetState } from '../../sandboxes/cost/budget.ts';
import type { SpendRecord } from '../../sandboxes/cost/spend.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** The budget of the settings. Warns when it is nearly or fully spent, and asks before a start that exceeds it. */
export function budgetOfSettings(spend: SpendRecord): Budget {
  const budget = new Budget({
    spend,
    limits: () => {
      const { perDay: perDayUsd, perHour: perHourUsd } = readSettings().budget;
      return { perDayUsd, perHourUsd };
    },
    confirm: async ({ summary }) => {
      const action = strings.startAnyway();
      const options = { modal: true };
      return (await window.showWarningMessage(strings.confirmStart(summary), options, action)) === action;
    },
  });
  budget.onDidChangeLevel(warn);
  return budget;
}

function warn({ level, summary }: BudgetState): void {
  if (level === 'near') void window.showWarningMessage(strings.budgetNear(summary));
  if (level === 'spent') void window.showWarningMessage(strings.budgetSpent(summary));
}
