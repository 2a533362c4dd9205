import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { window } from './window.ts';

/** Work that is done sooner shows no progress, so that nothing flashes up. */
const SHOW_AFTER_MS = 400;

/** Reports the progress of work that is shown in a notification. */
export type Report = vscode.Progress<{ message?: string; increment?: number }>['report'];

/**
 * Does work that may take long. A notification with the title shows its progress; canceling it aborts the signal. Rejects
 * with whatever the work throws, and with an `AbortError` if it fails after the user has canceled.
 */
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
  }).catch((error: unknown) => {
    throw cancel.signal.aborted ? cancel.signal.reason : error;
  });
  const settled = working.then(
    () => true,
    () => true,
  );
  if (await Promise.race([settled, sleep(SHOW_AFTER_MS, false, { ref: false })])) return working;
  const location = vscode.ProgressLocation.Notification;
  return window.withProgress({ location, title, cancellable: true }, (progress, token) => {
    token.onCancellationRequested(() => cancel.abort());
    show = (value) => progress.report(value);
    show(unshown);
    return working;
  });
}

/** Waits for work that can't be stopped; canceling only ends the wait. */
export function waiting<T>(title: string, work: () => Promise<T>): Promise<T> {
  return withProgress(title, (signal) => untilAborted(work(), signal));
}
