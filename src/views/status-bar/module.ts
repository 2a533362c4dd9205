import * as vscode from 'vscode';
import { registerCommands } from '../../providers/common/commands.ts';
import { showSessionMenu } from './session-menu.ts';
import { StatusBar, type StatusBarDependencies } from './status-bar.ts';

export interface StatusBarModule extends vscode.Disposable {
  /** Sandboxes were started or have stopped. */
  update(): void;
}

/** The status bar item and its menu. */
export function statusBarModule(dependencies: StatusBarDependencies): StatusBarModule {
  const statusBar = new StatusBar(dependencies);
  const disposable = vscode.Disposable.from(
    statusBar,
    registerCommands({ 'modal.sessionMenu': () => showSessionMenu(statusBar.session) }),
  );
  return Object.assign(disposable, { update: () => void statusBar.update() });
}
