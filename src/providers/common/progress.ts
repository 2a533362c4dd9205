import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { explainError } from '../../modal/errors.ts';

/** What is done sooner shows no progress: a message that only flashes up tells nothing. */
const SHOWN_AFTER_MS = 400;

/** What work tells of itself while it goes on. */
export type Report = vscode.Progress<{ message?: string; increment?: number }>['report'];

/** Does work that may take long, with a notification that has its title and a button that aborts the signal. */
export async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, report: Report) => Promise<T>,
): Promise<T> {
  const cancel = new AbortController();
  let show: Report | undefined;
  let unshown: Parameters<Report>[0] = {};
  const working = work(cancel.signal, (value) => {
    if (show) show(value);
    else unshown = { ...value, increment: (unshown.increment ?? 0) + (value.increment ?? 0) };
  });
  const settled = working.then(
    () => true,
    () => true,
  );
  if (await Promise.race([settled, sleep(SHOWN_AFTER_MS, false, { ref: false })])) return working;
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, (progress, token) => {
    token.onCancellationRequested(() => cancel.abort());
    show = (value) => progress.report(value);
    show(unshown);
    return working;
  });
}

/** Waits for something that cannot be stopped; cancelling ends the wait alone. */
export function waiting<T>(title: string, work: () => Promise<T>): Promise<T> {
  return withProgress(title, (signal) => untilAborted(work(), signal));
}

/** Does work and shows what goes wrong in it, then resolving with undefined. Cancelling is no error. */
export async function shown<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as Error | undefined)?.name !== 'AbortError') void vscode.window.showErrorMessage(explainError(error));
    return undefined;
  }
}
