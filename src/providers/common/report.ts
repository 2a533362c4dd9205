import * as vscode from 'vscode';
import { DeclinedError } from '../../base/errors.ts';
import { explainError } from '../../modal/errors.ts';
import type { RunResult } from '../../run/request.ts';

/** The `error` of what was not run as the user chose no account. */
export const NO_ACCOUNT = 'No Modal account is chosen. Sign in, or use the local Modal.';

/** Shows why nothing was run, except to a user who wanted that. */
export function reportError(error: unknown): RunResult {
  const result = { error: explainError(error) };
  return error instanceof DeclinedError ? result : report(result);
}

/** Shows what went wrong, with a button for the command that can mend it. */
export function report(result: RunResult, command?: 'modal.chooseAccount'): RunResult {
  const buttons = command ? ['Choose Account…'] : [];
  void vscode.window.showErrorMessage(result.error ?? '', ...buttons).then((pressed) => {
    if (pressed && command) void vscode.commands.executeCommand(command);
  });
  return result;
}
