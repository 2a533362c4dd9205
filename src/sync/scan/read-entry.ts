import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import type { Entry, SyncedEntry } from '../index/entries.ts';
import { readTarget, staysInside } from '../rules/links.ts';
import { strings } from '../strings.ts';

const HASH_CHUNK_BYTES = 4 * 1024 * 1024;
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;
const onWindows = process.platform === 'win32';

/**
 * Returns the entry of a path, or the reason why it can't be synced; `synced` itself if the file looks unchanged.
 * Throws the file system's error.
 */
export function readEntry(root: string, path: string, synced?: SyncedEntry): Entry | string {
  const full = `${root}/${path}`;
  // NTFS file numbers don't fit into a double. They are only compared, so the high bits are enough.
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
  if (!stat.isSymbolicLink()) return strings.notSyncableKind();
  const target = readTarget(full);
  if (!staysInside(path, target)) return strings.linkOutside(target);
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

/** Shortens a SHA-256 digest to the form of `SyncedEntry.hash`. */
export function shortHash(digest: Buffer): string {
  return digest.toString('base64url', 0, 16);
}

/** Hashes a file; undefined if it can't be read. */
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

/** Why a path can't be read, by the code of the file system's error. */
const REASONS: Readonly<Record<string, () => string>> = {
  EACCES: strings.cannotRead,
  EPERM: strings.cannotRead,
  ESTALE: strings.driveDisconnected,
  ENOTCONN: strings.driveDisconnected,
  ENODEV: strings.driveDisconnected,
  EIO: strings.driveFailed,
};

/** Returns why a path can't be read. Node shows a name that isn't UTF-8 with replacement characters, and doesn't find it. */
export function reasonOf(error: unknown, path: string): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && path.includes('\ufffd')) return strings.notUtf8();
  return REASONS[code]?.() ?? code;
}
