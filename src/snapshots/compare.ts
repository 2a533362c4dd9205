import type { Sandbox } from 'modal';
import { MINUTE_MS } from '../base/clock.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';

const LIST_LIMITS: AnswerLimits = { maxBytes: 128 * 1024 * 1024, timeoutMs: 3 * MINUTE_MS, quietMs: 2 * MINUTE_MS };

/** Returns what tells whether a file is the same, by path: its size and time, or a link's target. */
export type FileStates = ReadonlyMap<string, string>;

/** A file that differs between two file systems. */
export interface FileChange {
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'deleted';
}

/**
 * Lists the files and links of a sandbox, except those of volumes, of the kernel, and our own temporary ones. Needs `find`, GNU's
 * or BusyBox's. Throws `UserError` for too many files, the SDK's errors, and the signal's reason.
 */
export async function fileStates(sandbox: Sandbox, signal?: AbortSignal): Promise<FileStates> {
  const script = `
    cd /
    what='( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./__modal -o -path ./tmp/.modal-* -o -name .modal-sync ) -prune -o ( -type f -o -type l )'
    set -f
    if find . -maxdepth 0 -printf '' 2>/dev/null; then find . -xdev $what -printf '%P\\t%s %T@ %l\\0' 2>/dev/null
    else find . -xdev $what -exec stat -c '%n	%s %Y %N' {} + 2>/dev/null | tr '\\n' '\\0'
    fi`;
  const listed = await execWith(sandbox, ['sh', '-c', script], { ...LIST_LIMITS, signal });
  const states = new Map<string, string>();
  for (const line of String(listed).split('\0')) {
    const [path, state] = line.split('\t');
    if (path && state !== undefined) states.set(path.replace(/^\.\//, ''), state);
  }
  return states;
}

/** Returns the files that differ between two file systems, by path. */
export function changesBetween(before: FileStates, after: FileStates): FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, state] of after) {
    const known = before.get(path);
    if (known === undefined) changes.push({ path, kind: 'added' });
    else if (known !== state) changes.push({ path, kind: 'changed' });
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push({ path, kind: 'deleted' });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}
