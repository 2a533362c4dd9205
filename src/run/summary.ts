import { formatDuration } from '../base/text.ts';
import { aboutUsd } from '../modal/prices.ts';
import type { RunResult } from './request.ts';

/** Names of the signals that a program is usually ended by; Modal reports them as 128 + number. */
const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
};

/** The line that ends a run: how it ended, what its time went on, what it cost about. */
export function summaryOf({ exitCode, error, timings, costUsd }: RunResult): string {
  if (error !== undefined) return error;
  const signal = SIGNALS[exitCode ?? 0];
  const end = `Exited with code ${exitCode}${signal ? ` (${signal})` : ''}`;
  const parts = [end];
  if (timings) {
    const { startMs, syncMs, firstOutputMs, runMs } = timings;
    parts.push(`start ${formatDuration(startMs)}`, `sync ${formatDuration(syncMs)}`);
    if (firstOutputMs !== undefined) parts.push(`first output ${formatDuration(firstOutputMs)}`);
    parts.push(`run ${formatDuration(runMs)}`);
  }
  if (costUsd !== undefined) parts.push(aboutUsd(costUsd));
  return parts.join(' · ');
}
