import * as vscode from 'vscode';
import { Budget, type BudgetState } from '../../sandboxes/cost/budget.ts';
import type { SpendRecord } from '../../sandboxes/cost/spend.ts';
import { readSettings } from '../common/settings.ts';

const START = 'Start a Sandbox';

/** The budget of the settings. Warns when it is nearly or fully spent, and asks before a start that exceeds it. */
export function budgetOfSettings(spend: SpendRecord): Budget {
  const budget = new Budget({
    spend,
    limits: () => {
      const { perDay: perDayUsd, perHour: perHourUsd } = readSettings().budget;
      return { perDayUsd, perHourUsd };
    },
    confirm: async ({ summary }) => {
      const question = `${summary}. Start a sandbox anyway?`;
      return (await vscode.window.showWarningMessage(question, { modal: true }, START)) === START;
    },
  });
  budget.onDidChangeLevel(warn);
  return budget;
}

function warn({ level, summary }: BudgetState): void {
  if (level === 'near') void vscode.window.showWarningMessage(`${summary}.`);
  if (level === 'spent')
    void vscode.window.showWarningMessage(`${summary}. Warm-ups stop, and runs ask before starting a sandbox.`);
}
