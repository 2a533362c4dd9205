import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import type { Entry, SyncedEntry } from '../index/entries.ts';

const HASH_CHUNK_BYTES = 4 * 1024 * 1024;
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;
const onWindows = process.platform === 'win32';

/**
 * The entry of a path, or the reason why it cannot be synced; `sent` itself when nothing tells the file from it. Throws
 * the file system's error.
 */
export function readEntry(root: string, path: string, synced?: SyncedEntry): Entry | string {
  const full = `${root}/${path}`;
  // NTFS file numbers do not fit a double; they are only compared, so their high bits will do.
  const stat = lstatSync(full);
  const { size, mtimeMs, ctimeMs, ino, mode } = stat;
  const type = mode & TYPE_BITS;
  if (type === REGULAR_FILE) {
    const executable = !onWindows && (mode & 0o100) !== 0;
    if (synced && isUntouched(synced, executable, size, mtimeMs, ctimeMs, ino)) return synced;
    return { path, kind: 'file', executable, size, mtimeMs, ctimeMs, ino };
  }
  const common = { path, mtimeMs, ctimeMs, ino };
  if (stat.isDirectory()) return { ...common, kind: 'folder', executable: false, size: 0 };
  if (!stat.isSymbolicLink()) return 'it is not a file, folder or link';
  const read = readlinkSync(full);
  const target = onWindows ? read.replaceAll('\\', '/') : read;
  if (!staysInside(path, target)) return `it is a link to ${target}, outside of the folder`;
  return { ...common, kind: 'link', executable: false, size: 0, target };
}

function isUntouched(
  synced: SyncedEntry,
  executable: boolean,
  size: number,
  mtimeMs: number,
  ctimeMs: number,
  ino: number,
): boolean {
  return (
    synced.kind === 'file' &&
    !synced.racy &&
    !synced.uncertain &&
    synced.mtimeMs === mtimeMs &&
    synced.ctimeMs === ctimeMs &&
    synced.size === size &&
    synced.ino === ino &&
    synced.executable === executable
  );
}

/** Whether a link at `path` points into the tree, by its words alone. */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || posix.isAbsolute(target) || /^[A-Za-z]:/.test(target)) return false;
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  return resolved !== '..' && !resolved.startsWith('../');
}

/** The hash of what a buffer holds, in the form of `SyncedEntry.hash`. */
export function shortHash(digest: Buffer): string {
  return digest.toString('base64url', 0, 16);
}

/** Hash of a file; undefined when it cannot be read. */
export function hashFile(path: string, checkpoint: () => void): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const hash = createHash('sha256');
    const slab = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
    for (let bytes = readSync(fd, slab); bytes > 0; bytes = readSync(fd, slab)) {
      hash.update(slab.subarray(0, bytes));
      checkpoint();
    }
    return shortHash(hash.digest());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === 'read') return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}
