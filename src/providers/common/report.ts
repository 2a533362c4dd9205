import { type ActionId, DeclinedError } from '../../base/errors.ts';
import { explainLogged } from '../../modal/explain/explain.ts';
import type { RunFailed, RunResult } from '../../run/result.ts';
import { type ErrorContext, showErrorWithActions } from './error-actions.ts';

/** Logs an error, and shows it with its next steps. Returns the message that is shown. */
export function showError(error: unknown, context?: ErrorContext): string {
  const { message, actions } = explainLogged(error);
  showErrorWithActions(message, actions, context);
  return message;
}

/** Does work and shows the error if it fails, resolving with undefined. A cancellation isn't shown. */
export async function shown<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as Error | undefined)?.name !== 'AbortError') showError(error, { retry: () => shown(work) });
    return undefined;
  }
}

/** Shows why nothing was run, unless the user declined to run it. */
export function reportError(error: unknown, context?: ErrorContext): RunResult {
  const { message, actions } = explainLogged(error);
  return error instanceof DeclinedError
    ? { outcome: 'failed', error: message }
    : report(message, { ...context, actions });
}

/** Shows an error, as the result of something that couldn't be run. */
export function report(
  error: string,
  { actions = [], ...context }: ErrorContext & { actions?: readonly ActionId[] } = {},
): RunFailed {
  showErrorWithActions(error, actions, context);
  return { outcome: 'failed', error, actions };
}

/** Next steps that don't justify a notification about an error that the terminal shows. */
const GENERAL_ACTIONS: readonly ActionId[] = ['retry', 'reload', 'showLog', 'showServiceStatus'];

/**
 * Shows the error of a run, which its terminal shows, too, if there's a next step that the user might not know. The user was
 * already asked about a problem of the account.
 */
export function reportFailedRun(result: RunResult, context: ErrorContext): RunResult {
  if (result.outcome !== 'failed' || result.needsAccount) return result;
  if (result.actions?.some((action) => !GENERAL_ACTIONS.includes(action)))
    showErrorWithActions(result.error, result.actions, context);
  return result;
}
