import * as vscode from 'vscode';
import type { Account } from '../../modal/accounts.ts';
import { registerCommands } from '../common/commands.ts';
import { setContextKey } from '../common/context-keys.ts';
import { AccountService } from './account-service.ts';

export interface AccountModuleDependencies {
  readonly secrets: vscode.SecretStorage;
  /** Starts Local Modal if it isn't running. */
  readonly startLocalModal: () => Promise<Account>;
}

/** The account that sandboxes run in, and the commands that choose it. */
export function accountModule({ secrets, startLocalModal }: AccountModuleDependencies) {
  const accounts = new AccountService(secrets, startLocalModal);
  const showChoice = () => setContextKey('modal.account', accounts.isChosen ? 'chosen' : 'none');
  showChoice();
  const disposable = vscode.Disposable.from(
    accounts,
    accounts.onDidChange(showChoice),
    registerCommands({
      'modal.chooseAccount': () => accounts.choose(),
      'modal.useLocalModal': () => accounts.useLocalModal(),
      'modal.signOut': () => accounts.signOut(),
    }),
  );
  return Object.assign(disposable, { accounts });
}
