import { DeclinedError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { RunFailed, RunResult } from '../../run/result.ts';
import { executeCommand } from './commands.ts';
import { strings } from './strings.ts';
import { window } from './window.ts';

/** Shows why nothing was run, unless the user declined to run it. */
export function reportError(error: unknown): RunResult {
  const message = explainAndLog(error);
  return error instanceof DeclinedError ? { outcome: 'failed', error: message } : report(message);
}

/** Shows an error, as the result of something that couldn't be run. */
export function report(error: string): RunFailed {
  void window.showErrorMessage(error);
  return { outcome: 'failed', error };
}

/** Shows the error of a run that needs another account, with a button to choose one. */
export function reportAccountProblem(result: RunResult): RunResult {
  if (result.outcome !== 'failed' || !result.needsAccount) return result;
  void window.showErrorMessage(result.error, strings.chooseAccount()).then((pressed) => {
    if (pressed) void executeCommand('modal.chooseAccount');
  });
  return result;
}
