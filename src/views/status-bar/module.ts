import * as vscode from 'vscode';
import { registerCommands } from '../../providers/common/commands.ts';
import { showSessionMenu } from './session-menu.ts';
import { StatusBar, type StatusBarDependencies } from './status-bar.ts';

/** The status bar item and its menu. */
export function statusBarModule(dependencies: StatusBarDependencies): vscode.Disposable {
  const statusBar = new StatusBar(dependencies);
  return vscode.Disposable.from(
    statusBar,
    registerCommands({ 'modal.sessionMenu': () => showSessionMenu(statusBar.session) }),
  );
}
