import { formatBytes, formatDuration, visibleName } from '../base/text.ts';
import type { PushResult, SyncProgress } from '../sync/engine.ts';
import type { PullResult } from '../sync/pull/puller.ts';
import type { Notice } from '../sync/scan/notices.ts';
import { strings } from './strings.ts';

/** Lists at most this many skipped paths with their reasons; the rest are only counted. */
const MAX_REASONS = 5;
/** Lists at most this many paths in a line. */
const MAX_PATHS = 3;
/** The longest path in a progress line, in characters. */
const MAX_PATH_CHARS = 32;

/** Returns the lines that report a sync: what was sent, and what was skipped and why. */
export function syncReport(result: PushResult): string[] {
  const { credentials, replaced, released, writtenThrough, movedAside, large, skipped, notices } = result;
  const lines = [syncLine(result)];
  if (credentials.length > 0) lines.push(strings.credentialsNotSent(listOf(credentials)));
  if (replaced.length > 0) lines.push(strings.overwritten(listOf(replaced)));
  if (released.length > 0) lines.push(strings.released(listOf(released)));
  if (writtenThrough.length > 0) lines.push(strings.writtenThroughLinks(listOf(writtenThrough)));
  if (movedAside.length > 0) lines.push(strings.movedAside(listOf(movedAside)));
  if (large.length > 0) {
    const files = large.map(({ path, bytes }) => strings.withSize(visibleName(path), formatBytes(bytes)));
    lines.push(strings.largeFiles(listOf(files)));
  }
  lines.push(...noticeLines(notices));
  lines.push(...skipped.slice(0, MAX_REASONS).map(notSynced));
  if (skipped.length > MAX_REASONS) lines.push(strings.moreNotSynced(skipped.length - MAX_REASONS));
  return lines;
}

/** Returns the lines about what users are told once. */
function noticeLines(notices: readonly Notice[]): string[] {
  const paths = (kind: Notice['kind']) => notices.filter((each) => each.kind === kind).map(({ path }) => path);
  const skipped = notices.filter(({ kind }) => kind === 'skipped');
  const kinds = [
    [paths('left-out'), strings.leftOut],
    [paths('git-data'), strings.gitDataLeftOut],
    [paths('dangling-link'), strings.danglingLinks],
    [paths('lfs-pointer'), strings.lfsPointers],
    [paths('crowded'), strings.crowded],
    [paths('unmatched-include'), strings.unmatchedInclude],
    [paths('unmatched-exclude'), strings.unmatchedExclude],
  ] as const;
  const lines = kinds.flatMap(([list, describe]) => (list.length > 0 ? [describe(listOf(list))] : []));
  lines.push(...skipped.slice(0, MAX_REASONS).map(notSynced));
  if (skipped.length > MAX_REASONS) lines.push(strings.moreNotSynced(skipped.length - MAX_REASONS));
  return lines;
}

function notSynced({ path, reason = '' }: { readonly path: string; readonly reason?: string }): string {
  return strings.notSynced(visibleName(path), reason);
}

function syncLine({ files, bytes, deleted, durationMs }: PushResult): string {
  const duration = formatDuration(durationMs);
  if (files === 0 && deleted === 0) return strings.upToDate(duration);
  const changes = [
    ...(files > 0 ? [strings.withSize(strings.files(files), formatBytes(bytes))] : []),
    ...(deleted > 0 ? [strings.deletions(deleted)] : []),
  ];
  return strings.synced(changes.join(', '), duration);
}

/** Describes the current step of a sync. */
export function progressLine({ stage, files, bytes, totalBytes, bytesPerSecond, path }: SyncProgress): string {
  if (stage === 'scanning') return strings.checkingForChanges(files);
  if (stage === 'waiting') return strings.waitingForDrive();
  if (stage === 'applying') return strings.unpacking();
  const size = totalBytes > 0 ? strings.sizeOfTotal(formatBytes(bytes), formatBytes(totalBytes)) : formatBytes(bytes);
  const describe = stage === 'receiving' ? strings.receiving : strings.sending;
  return describe(files, size, formatBytes(bytesPerSecond), shortened(visibleName(path)));
}

function listOf(paths: readonly string[]): string {
  const list = paths.slice(0, MAX_PATHS).map(visibleName).join(', ');
  return paths.length > MAX_PATHS ? strings.andMore(list, paths.length - MAX_PATHS) : list;
}

/** Keeps the end of a path, which says more than its beginning; a line that wraps couldn't be replaced. */
function shortened(path: string): string {
  return path.length > MAX_PATH_CHARS ? `…${path.slice(1 - MAX_PATH_CHARS)}` : path;
}

/** Describes in one sentence what a pull did. */
export function pullReport({ written, same, conflicts, refused, sensitive, missing, unmatched }: PullResult): string {
  const parts = [strings.pulled(written.length)];
  const [conflict] = conflicts;
  const [rejected] = refused;
  if (same.length > 0) parts.push(strings.alreadyUpToDate(same.length));
  if (conflict) parts.push(strings.changedOnBothSides(conflicts.length, visibleName(conflict.copy)));
  if (sensitive.length > 0) parts.push(strings.affectLocalPrograms(sensitive.length));
  if (rejected) parts.push(strings.rejected(refused.length, visibleName(rejected.path), rejected.reason));
  if (missing.length > 0) parts.push(strings.notInSandbox(missing.length));
  if (unmatched.length > 0) parts.push(strings.unmatched(listOf(unmatched)));
  return `${parts.join('; ')}.`;
}
