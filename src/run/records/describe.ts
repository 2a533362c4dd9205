import { formatUsd } from '../../modal/prices.ts';
import { strings } from '../strings.ts';
import type { RunRecord } from './record.ts';

/** Formats a duration as a clock does: `0:42`, `1:02:03`. */
export function formatClock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Describes a run in a list: `0:42 · $0.004 · exit 0`. A run without an end is running, or was lost with its window. */
export function describeRecord({ end }: RunRecord, isRunning: boolean): string {
  if (!end) return isRunning ? strings.stillRunning() : strings.lostWithWindow();
  const { durationMs, costUsd } = end;
  return [formatClock(durationMs), costUsd !== undefined && formatUsd(costUsd), endOf(end)].filter(Boolean).join(' · ');
}

function endOf({ outcome, exitCode, signal, error }: NonNullable<RunRecord['end']>): string {
  if (outcome === 'canceled') return strings.wasCanceled();
  if (error !== undefined) return error;
  return signal ?? strings.exit(exitCode ?? 0);
}
