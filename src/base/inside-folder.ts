import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { UserError } from './errors.ts';
import { strings } from './strings.ts';

/**
 * Returns the real path of a file or folder in `root`, without links. Use it for every path that a profile or setting
 * names, right before reading, and read what it returns: links come with a repository like any file. Throws `UserError` if
 * the path leads out of the folder, and the file system's error if it doesn't exist.
 */
export function resolveInFolder(root: string, path: string): string {
  const real = realpathSync.native(join(root, path));
  if (!isWithin(realpathSync.native(root), real)) throw new UserError(strings.leadsOutside(path));
  return real;
}

/** Returns true if a path is in the folder or is the folder itself, judging only by their text. */
export function isWithin(folder: string, path: string): boolean {
  const prefix = folder.endsWith(sep) ? folder : folder + sep;
  return path === folder || path.startsWith(prefix);
}

/** Returns true if a file, or one that could be created at this absolute path, really is in the folder. */
export function isInFolder(root: string, path: string): boolean {
  try {
    return isWithin(realpathSync.native(root), realPathOf(path));
  } catch {
    return false;
  }
}

/** Resolves the links of the part of a path that exists. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    // A link that leads nowhere could lead anywhere.
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing || lstatSync(path, { throwIfNoEntry: false }) || dirname(path) === path) throw error;
    return join(realPathOf(dirname(path)), basename(path));
  }
}

/** Returns a path relative to a folder's real path, with `/`. The path must be real, too. */
export function pathInFolder(folder: string, path: string): string {
  return relative(realpathSync.native(folder), path).split(sep).join('/');
}
