import type * as vscode from 'vscode';
import type { Account } from '../../modal/accounts.ts';

/** What the features for agents use. */
export interface AgentsDependencies {
  readonly account: {
    /** The value of `modal.account`. */
    readonly choice: string;
    readonly isChosen: boolean;
    readonly onDidChange: (listener: () => void) => vscode.Disposable;
    current(): Promise<Account>;
  };
  /** The folder with what all windows remember. */
  readonly storagePath: string;
  readonly extensionPath: string;
  /** The extension's version. */
  readonly version: string;
  /** The names of the extension's settings. */
  readonly settings: readonly string[];
  /** The file that says what agents may do. */
  readonly policyPath: string;
}
