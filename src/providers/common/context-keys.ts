import * as vscode from 'vscode';

/** What `when` clauses in `package.json` can ask about, with the values of each key. */
export interface ContextKeys {
  readonly 'modal.account': 'chosen' | 'none';
  readonly 'modal.sandboxesState': ViewState;
  readonly 'modal.volumesState': ViewState;
  readonly 'modal.snapshotsState': ViewState;
}

/** What a view's last request came to. */
export type ViewState = 'loading' | 'loaded' | 'failed';

/** Sets a key for `when` clauses. */
export function setContextKey<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
  void vscode.commands.executeCommand('setContext', key, value);
}
