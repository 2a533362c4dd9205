import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { systemClock } from '../../base/clock.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import type { LeftRunning } from '../../sandboxes/ledger.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { AccountState } from '../common/account-state.ts';
import { waiting } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** Sandboxes that couldn't be ended within this time are reported together. */
const COLLECT_MS = 500;

export interface LeftRunningDependencies {
  readonly starter: SandboxStarter;
  readonly sessions: Sessions;
  readonly account: AccountState;
}

/**
 * Ends sandboxes when another account or app is chosen, and reports those that keep running: in the account that was left, or
 * because they couldn't be ended.
 */
export function reportLeftRunning({ starter, sessions, account }: LeftRunningDependencies): vscode.Disposable {
  let key = account.key;
  let failed: LeftRunning[] = [];
  const report = () => {
    const left = failed;
    failed = [];
    void reportFailed(left, starter);
  };
  const subscriptions = [
    account.onDidChange(() => {
      if (account.key === key) return;
      key = account.key;
      starter.leaveConnection();
    }),
    sessions.onDidLeaveRunning((sandboxes) => void reportLeft(sandboxes, sessions)),
    starter.endings?.onDidFail((left) => {
      failed.push(left);
      if (failed.length === 1) systemClock.after(COLLECT_MS, report);
    }),
  ];
  return vscode.Disposable.from(...subscriptions.filter((each) => each !== undefined));
}

/** Names sandboxes and their accounts. */
export function leftNames(left: readonly LeftRunning[]): string {
  const names = left.map(({ entry: { label, sandboxId, account } }) =>
    strings.inAccount(commonStrings.quoted(label || sandboxId || strings.unnamed()), account.label),
  );
  return [...new Set(names)].join(', ');
}

async function reportFailed(left: readonly LeftRunning[], { endings }: SandboxStarter): Promise<void> {
  const message = strings.couldNotStop(leftNames(left), explainAndLog(left[0]?.error));
  const action = strings.tryAgain();
  if ((await window.showWarningMessage(message, action)) !== action) return;
  await shown(() => waiting(strings.stopping(), async () => endings?.sweep()));
}

async function reportLeft(sandboxes: readonly Sandbox[], sessions: Sessions): Promise<void> {
  const action = strings.stopNow();
  const message = sandboxes.length === 1 ? strings.oneLeft() : strings.manyLeft(sandboxes.length);
  if ((await window.showWarningMessage(message, action)) !== action) return;
  await shown(() => waiting(strings.stopping(), () => Promise.all(sandboxes.map((each) => sessions.letGo(each)))));
}
