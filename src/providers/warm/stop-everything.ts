import { explainAndLog } from '../../modal/explain/explain.ts';
import { type StopAllDependencies, type StopReport, stopAll } from '../../sandboxes/stop-all.ts';
import { waiting } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import { leftNames } from './left-running.ts';
import { strings } from './strings.ts';

/** `modal.stopEverything`: stops warm-ups and all sandboxes started from this computer, in all windows and accounts. */
export async function stopEverything(dependencies: StopAllDependencies): Promise<void> {
  await shown(async () => {
    const report = await waiting(strings.stopping(), () => stopAll(dependencies));
    const message = `${summaryOf(report)} ${strings.warmUpsPaused()}`;
    if (report.left.length === 0 && report.error === undefined) void window.showInformationMessage(message);
    else void window.showWarningMessage(message);
  });
}

function summaryOf({ stopped, left, error }: StopReport): string {
  const done =
    stopped === 0 ? strings.noneStopped() : stopped === 1 ? strings.oneStopped() : strings.manyStopped(stopped);
  if (left.length > 0) {
    for (const each of left) explainAndLog(each.error);
    const failed = strings.notStopped(leftNames(left), explainAndLog(left[0]?.error));
    return stopped === 0 ? failed : `${done} ${failed}`;
  }
  return error === undefined ? done : `${done} ${strings.notListed(explainAndLog(error))}`;
}
