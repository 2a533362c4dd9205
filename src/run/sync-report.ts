import { formatBytes, formatDuration } from '../base/text.ts';
import type { PushResult, SyncProgress } from '../sync/engine.ts';
import type { PullResult } from '../sync/pull/puller.ts';

/** Reasons are shown for this many paths; of the others only how many there are. */
const MAX_REASONS = 5;
/** Characters of a path in a line of progress. */
const MAX_PATH = 32;

/** The lines that tell what a sync did, and what it left out and why. */
export function syncReport(result: PushResult): string[] {
  const { credentials, replaced, released, writtenThrough, large, skipped } = result;
  const lines = [syncLine(result)];
  if (credentials.length > 0) lines.push(`Not sent, as they look like credentials: ${some(credentials)}`);
  if (replaced.length > 0) lines.push(`Overwrote what a program had changed in the sandbox: ${some(replaced)}`);
  if (released.length > 0) lines.push(`No longer synced, left in the sandbox as they are: ${some(released)}`);
  if (writtenThrough.length > 0)
    lines.push(`Written where a link in the sandbox leads, the link was kept: ${some(writtenThrough)}`);
  if (large.length > 0) {
    const files = large.map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`);
    lines.push(`Large, and sent again whenever changed, unless .modalignore leaves it out: ${some(files)}`);
  }
  lines.push(...skipped.slice(0, MAX_REASONS).map(({ path, reason }) => `Not synced: ${path} (${reason})`));
  if (skipped.length > MAX_REASONS) lines.push(`Not synced: ${skipped.length - MAX_REASONS} more`);
  return lines;
}

function syncLine({ files, bytes, deleted, durationMs }: PushResult): string {
  const took = formatDuration(durationMs);
  if (files === 0 && deleted === 0) return `Synced, nothing to send (${took})`;
  const parts = [
    ...(files > 0 || deleted === 0 ? [`${count(files, 'file')} (${formatBytes(bytes)})`] : []),
    ...(deleted > 0 ? [`${count(deleted, 'deletion')}`] : []),
  ];
  return `Synced ${parts.join(', ')} in ${took}`;
}

/** What a sync is at. */
export function progressLine({ stage, files, bytes, totalBytes, bytesPerSecond, path }: SyncProgress): string {
  if (stage === 'scanning') return `Looking for changes… ${count(files, 'file')}`;
  if (stage === 'applying') return 'Unpacking in the sandbox…';
  const verb = stage === 'receiving' ? 'Receiving' : 'Sending';
  const total = totalBytes > 0 ? ` of ${formatBytes(totalBytes)}` : '';
  return `${verb} ${count(files, 'file')}, ${formatBytes(bytes)}${total}, ${formatBytes(bytesPerSecond)}/s: ${shortened(path)}`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

function some(paths: readonly string[]): string {
  const more = paths.length - 3;
  return `${paths.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The end of a path says more than its beginning, and a line that wraps cannot be replaced. */
function shortened(path: string): string {
  return path.length > MAX_PATH ? `…${path.slice(1 - MAX_PATH)}` : path;
}

/** What a pull did, in a sentence. */
export function pullReport({ written, same, conflicts, refused, sensitive, missing }: PullResult): string {
  const parts = [`Pulled ${written.length} ${written.length === 1 ? 'file' : 'files'}`];
  if (same.length > 0) parts.push(`${same.length} were equal already`);
  if (conflicts.length > 0)
    parts.push(`${conflicts.length} changed on both sides lie beside yours as ${conflicts[0]?.copy}`);
  if (sensitive.length > 0) parts.push(`${sensitive.length} that change what programs here run were left`);
  if (refused.length > 0)
    parts.push(`${refused.length} were refused, such as ${refused[0]?.path} (${refused[0]?.reason})`);
  if (missing.length > 0) parts.push(`${missing.length} are not in the sandbox`);
  return `${parts.join('; ')}.`;
}
