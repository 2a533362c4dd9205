import * as vscode from 'vscode';
import { wallClock } from '../../base/clock.ts';
import type { Budget } from '../../sandboxes/cost/budget.ts';
import { BudgetWatch } from '../../sandboxes/cost/budget-watch.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import type { AccountState } from '../common/account-state.ts';
import { registerCommands } from '../common/commands.ts';
import { onDidChangeSettings } from '../common/settings.ts';
import { type ColdStartOfferDependencies, offerAfterColdStarts } from './cold-starts.ts';
import { reportLeftRunning } from './left-running.ts';
import { stopEverything } from './stop-everything.ts';
import type { WarmUpService } from './warm-up-service.ts';

export interface WarmModuleDependencies extends ColdStartOfferDependencies {
  readonly starter: SandboxStarter;
  readonly warmUps: WarmUpService;
  readonly budget: Budget;
  readonly account: AccountState;
}

/**
 * The command that stops all sandboxes and warm-ups, reports of sandboxes that couldn't be stopped, the offer to keep a sandbox
 * warm, and the warnings of the budget.
 */
export function warmModule({
  starter,
  warmUps,
  budget,
  account,
  ...dependencies
}: WarmModuleDependencies): vscode.Disposable {
  const { sessions } = dependencies;
  const watch = new BudgetWatch({
    clock: wallClock,
    check: async () => {
      if (account.isChosen && vscode.workspace.isTrusted) await budget.check();
    },
    isSpending: async () => !account.isLocal && (await sessions.lifetimes()).length > 0,
  });
  const update = () => void watch.update();
  update();
  return vscode.Disposable.from(
    warmUps,
    watch,
    sessions.onDidChange(update),
    warmUps.onDidChange(update),
    onDidChangeSettings(update),
    vscode.workspace.onDidGrantWorkspaceTrust(update),
    offerAfterColdStarts(dependencies),
    reportLeftRunning({ starter, sessions, account }),
    registerCommands({
      'modal.stopEverything': () => stopEverything({ starter, sessions, stopWarmUps: () => warmUps.stop() }),
    }),
  );
}
