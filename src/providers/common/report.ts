import * as vscode from 'vscode';
import { DeclinedError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { RunResult } from '../../run/request.ts';
import { executeCommand } from './commands.ts';
import { strings } from './strings.ts';

/** Shows why nothing was run, unless the user declined to run it. */
export function reportError(error: unknown): RunResult {
  const result = { error: explainAndLog(error) };
  return error instanceof DeclinedError ? result : report(result);
}

/** Shows the error of a run, with a button for the command that can fix it. */
export function report(result: RunResult, command?: 'modal.chooseAccount'): RunResult {
  const buttons = command ? [strings.chooseAccount()] : [];
  void vscode.window.showErrorMessage(result.error ?? '', ...buttons).then((pressed) => {
    if (pressed && command) void executeCommand(command);
  });
  return result;
}
