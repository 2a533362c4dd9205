import * as vscode from 'vscode';
import { explainError } from '../modal/errors.ts';
import { requestFor } from '../providers/run-request.ts';
import type { RunTasks } from '../providers/tasks.ts';
import type { RunResult } from '../run/run.ts';
import type { AccountService } from './accounts.ts';

/**
 * `modal.runActiveFile`: runs the given file, or the one in the active editor. Resolves when the run has ended; what
 * went wrong before the program started is shown and is in `error`.
 */
export async function runActiveFile(
  uri: vscode.Uri | undefined,
  tasks: RunTasks,
  accounts: AccountService,
): Promise<RunResult> {
  const target = uri ?? vscode.window.activeTextEditor?.document.uri;
  try {
    if (!target) return report({ error: 'No file is open in the editor. Open the file to run, then run again.' });
    const request = await requestFor(target);
    if (!accounts.isChosen && !(await accounts.offer())) return { error: NO_ACCOUNT };
    const result = await tasks.run(request, () => requestFor(target));
    return result.needsAccount ? report(result, 'modal.chooseAccount') : result;
  } catch (error) {
    return report({ error: explainError(error) });
  }
}

const NO_ACCOUNT = 'No Modal account is chosen. Sign in, or use the local Modal.';

function report(result: RunResult, command?: 'modal.chooseAccount'): RunResult {
  const buttons = command ? ['Choose Account…'] : [];
  void vscode.window.showErrorMessage(result.error ?? '', ...buttons).then((pressed) => {
    if (pressed && command) void vscode.commands.executeCommand(command);
  });
  return result;
}
