import * as vscode from 'vscode';
import { registerCommands } from '../../providers/common/commands.ts';
import { showSessionMenu } from './session-menu.ts';
import { StatusBar, type StatusBarDependencies } from './status-bar.ts';
import { strings } from './strings.ts';

/** The status bar item and its menu. */
export function statusBarModule(dependencies: StatusBarDependencies): vscode.Disposable {
  const { sessions, activity } = dependencies;
  const statusBar = new StatusBar(dependencies);
  return vscode.Disposable.from(
    statusBar,
    sessions.onDidStart(
      // The command that asked for the sandbox reports the error.
      ({ sandbox }) => void activity.showWhile(strings.startingSandbox(), sandbox).catch(() => {}),
    ),
    registerCommands({ 'modal.sessionMenu': () => showSessionMenu(statusBar.session) }),
  );
}
