import { formatDuration } from '../base/text.ts';
import { aboutUsd } from '../modal/prices.ts';
import type { RunResult } from './result.ts';
import { strings } from './strings.ts';

/** Describes how a run ended, such as “Exited with code 3” or the message of an error. */
export function describeEnd(result: RunResult): string {
  switch (result.outcome) {
    case 'exited': {
      const { exitCode, signal } = result;
      return signal === undefined ? strings.exited(exitCode) : strings.exitedBySignal(exitCode, signal);
    }
    case 'canceled':
      return strings.canceled();
    case 'failed':
      return result.error;
  }
}

/** Returns the last line of a run: how it ended, where its time went, and what it cost. */
export function summaryOf(result: RunResult): string {
  const { outcome, timings, costUsd } = result;
  const end = describeEnd(result);
  if (outcome !== 'exited') return end;
  const parts = [end];
  if (timings) {
    const { startMs, syncMs, firstOutputMs, runMs } = timings;
    parts.push(strings.startTime(formatDuration(startMs)), strings.syncTime(formatDuration(syncMs)));
    if (firstOutputMs !== undefined) parts.push(strings.firstOutputTime(formatDuration(firstOutputMs)));
    parts.push(strings.runTime(formatDuration(runMs)));
  }
  if (costUsd !== undefined) parts.push(aboutUsd(costUsd));
  return parts.join(' · ');
}
