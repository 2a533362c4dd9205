import { realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
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
