import { formatDuration } from '../base/text.ts';
import { aboutUsd } from '../modal/prices.ts';
import type { RunResult } from './result.ts';

/** Describes how a run ended, in a sentence or in words such as “Exited with code 3”. */
export function describeEnd(result: RunResult): string {
  switch (result.outcome) {
    case 'exited':
      return `Exited with code ${result.exitCode}${result.signal ? ` (${result.signal})` : ''}`;
    case 'canceled':
      return 'Canceled.';
    case 'failed':
      return result.error;
  }
}

/** The last line of a run: how it ended, where its time went, and what it cost. */
export function summaryOf(result: RunResult): string {
  const { outcome, timings, costUsd } = result;
  const parts = [describeEnd(result)];
  if (outcome !== 'exited') return parts.join();
  if (timings) {
    const { startMs, syncMs, firstOutputMs, runMs } = timings;
    parts.push(`start ${formatDuration(startMs)}`, `sync ${formatDuration(syncMs)}`);
    if (firstOutputMs !== undefined) parts.push(`first output ${formatDuration(firstOutputMs)}`);
    parts.push(`run ${formatDuration(runMs)}`);
  }
  if (costUsd !== undefined) parts.push(aboutUsd(costUsd));
  return parts.join(' · ');
}
