import * as vscode from 'vscode';
import type { RunResult } from '../run/request.ts';

/** The `error` of what was not run as the user chose no account. */
export const NO_ACCOUNT = 'No Modal account is chosen. Sign in, or use the local Modal.';

/** Shows what went wrong, with a button for the command that can mend it. */
export function report(result: RunResult, command?: 'modal.chooseAccount'): RunResult {
  const buttons = command ? ['Choose Account…'] : [];
  void vscode.window.showErrorMessage(result.error ?? '', ...buttons).then((pressed) => {
    if (pressed && command) void vscode.commands.executeCommand(command);
  });
  return result;
}
