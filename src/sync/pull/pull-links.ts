import { lstatSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The maximum length of a chain of links, as on Linux. */
const MAX_LINKS = 40;

/**
 * Returns true if a link at `path` with this target leads to a place in the folder, through whatever links are there now.
 * Stays true when more such links are created: a part that doesn't exist yet could become one, so `..` can't follow it.
 */
export function linkLeadsInside(root: string, path: string, target: string): boolean {
  // Windows also takes backslashes, and letters of drives.
  if (process.platform === 'win32' && /[\\:]/.test(target)) return false;
  if (target === '' || posix.isAbsolute(target)) return false;
  // The link's own parents are folders, or will be.
  const reached = path.split('/').slice(0, -1);
  const waiting = target.split('/');
  let links = 0;
  let exists = true;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (!exists || reached.pop() === undefined) return false;
      continue;
    }
    const full = join(root, ...reached, part);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      const next = readlinkSync(full);
      links += 1;
      if (links > MAX_LINKS || posix.isAbsolute(next) || (process.platform === 'win32' && /:/.test(next))) return false;
      waiting.unshift(...next.replaceAll(process.platform === 'win32' ? '\\' : '/', '/').split('/'));
    } else {
      exists &&= stat !== undefined;
      reached.push(part);
    }
  }
  return true;
}
