import { join, normalize, posix } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { strings } from '../strings.ts';

/** What separates words, and paths in lists. A text for `printf` has `\n`. */
const SEPARATORS = /[\s"'`=:;,(&|<>]|\\[nrt]/;

/** What follows a folder's path, and the rest of a path in it, as parts of regular expressions. */
const WINDOWS = { end: '[\\\\/\\s"\'`:;,)[\\]}&|<>#?@]', rest: '[\\\\/][^\\s"\'`:;,)&|<>]*' };
// In a shell's text, a backslash is part of a name, as in `my\ file`, or begins what follows: `\"` and `\n`.
const POSIX = {
  end: '[/\\s"\'`:;,)[\\]}&|<>#?@]|\\\\["\'`a-z0]',
  rest: '/(?:[^\\s"\'`:;,)&|<>\\\\]|\\\\[^"\'`a-z0])*',
};

/**
 * Returns a function that replaces local paths in a text with their paths in the sandbox. `folder` is the path of the
 * synced folder, `workspaceFolders` are those of the window. A workspace folder above the synced one is the synced
 * folder in the sandbox. Throws `UserError` for other paths in the workspace, which aren't there.
 */
export function remotePaths(folder: string, workspaceFolders: readonly string[] = []): (text: string) => string {
  const roots = [folder, ...workspaceFolders.filter((root) => root !== folder)];
  const isWindows = /^[A-Za-z]:|^\\\\/.test(folder);
  const { end, rest } = isWindows ? WINDOWS : POSIX;
  const slashed = (path: string) => normalized(isWindows ? path.replaceAll('\\', '/') : path);
  const isSame = (a: string, b: string) => slashed(a).toLowerCase() === slashed(b).toLowerCase();
  // The longest first: folders can contain each other.
  const patterns = roots.sort((a, b) => b.length - a.length).map(patternOf);
  const pattern = new RegExp(`(${patterns.join('|')})(?=$|${end})(${rest})?`, 'g');
  const synced = slashed(folder);
  return (text) =>
    text.replaceAll(pattern, (whole, root: string, rest = '', at: number) => {
      if (isInLongerPath(text.slice(0, at))) return whole;
      const path = slashed(root + rest);
      const same = REMOTE_ROOT + (isWindows ? rest.replaceAll('\\', '/') : rest);
      if (isSame(root, folder) && contains(slashed(root), path) && contains(REMOTE_ROOT, slashed(same))) return same;
      if (contains(synced, path)) return REMOTE_ROOT + path.slice(synced.length);
      if (contains(path, synced) && workspaceFolders.some((each) => contains(slashed(each), path))) return REMOTE_ROOT;
      throw new UserError(strings.pathNotInSandbox(normalize(root + rest)));
    });
}

/** Returns the local path of an absolute path in the sandbox; undefined for one outside the synced folder. */
export function localPath(path: string, folder: string): string | undefined {
  const relative = posix.relative(REMOTE_ROOT, path);
  return relative === '..' || relative.startsWith('../') ? undefined : join(folder, relative);
}

/** Matches a folder's path with both kinds of slashes. Windows writes drives in either case. */
function patternOf(folder: string): string {
  const escaped = folder.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\\\', '[\\\\/]');
  return escaped.replace(/^[A-Za-z](?=:)/, (drive) => `[${drive.toLowerCase()}${drive.toUpperCase()}]`);
}

/** Returns true in the middle of a path, but not after an option, as in `-I/home/me/app`, or a scheme. */
function isInLongerPath(before: string): boolean {
  const word = before.split(SEPARATORS).at(-1) ?? '';
  return /^[./~]/.test(word) && !before.endsWith('file://');
}

/** Returns true if a path is in a folder or is the folder itself. */
function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Returns a path without `..` and a slash at the end. */
function normalized(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}
