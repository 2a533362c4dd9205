import * as vscode from 'vscode';

/** The context keys of `when` clauses in `package.json`, with their values. */
export interface ContextKeys {
  readonly 'modal.account': 'chosen' | 'none';
  readonly 'modal.sandboxesState': ViewState;
  readonly 'modal.volumesState': ViewState;
  readonly 'modal.snapshotsState': ViewState;
}

/** The outcome of a view's last request. */
export type ViewState = 'loading' | 'loaded' | 'failed';

/** Sets a key for `when` clauses. */
export function setContextKey<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
  void vscode.commands.executeCommand('setContext', key, value);
}
