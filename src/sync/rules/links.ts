import { readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parentOf } from '../index/entries.ts';
import { strings } from '../strings.ts';
import { builtInRule } from './builtin.ts';
import { statOf } from './folder-markers.ts';
import type { Explanation } from './rule.ts';

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/** Explains paths of a folder. */
interface PathRules {
  readonly root: string;
  /** `links` is the number of links that were followed so far. */
  explain(path: string, links: number): Explanation;
  explainName(path: string, isFolder: boolean): Explanation;
}

const onWindows = process.platform === 'win32';

/** Reads what a link at a full path leads to, with `/`. Throws the file system's error. */
export function readTarget(path: string): string {
  const target = readlinkSync(path);
  return onWindows ? target.replaceAll('\\', '/') : target;
}

/** Returns true if a link at `path` points into the folder, judging only by its text. */
export function staysInside(path: string, target: string): boolean {
  if (target === '' || posix.isAbsolute(target) || /^[A-Za-z]:/.test(target)) return false;
  const resolved = targetPath(path, target);
  return resolved !== '..' && !resolved.startsWith('../');
}

/** Returns the path that a link at `path` leads to, judging only by its text; `''` is the folder itself. */
function targetPath(path: string, target: string): string {
  const resolved = posix.join(parentOf(path), target).replace(/\/$/, '');
  return resolved === '.' ? '' : resolved;
}

/** Returns the first link on the way to a path, which may be the path itself. */
export function firstLink(root: string, path: string): string | undefined {
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const at = end < 0 ? path : path.slice(0, end);
    if (statOf(join(root, at))?.isSymbolicLink()) return at;
    if (end < 0) return undefined;
  }
}

/** Explains what a link leads to, also through further links; undefined if it leads out of the folder. */
export function explainTarget(rules: PathRules, path: string, target: string, links = 0): Explanation | undefined {
  if (!staysInside(path, target)) return undefined;
  const at = targetPath(path, target);
  const isFollowed = links < MAX_LINKS && statOf(join(rules.root, at)) !== undefined;
  const found = isFollowed ? rules.explain(at, links + 1) : rules.explainName(at, true);
  return { ...found, target: found.target ?? at };
}

/** Returns true for what isn't synced unless the user decides otherwise. A link to that isn't synced either. */
export function isKeptBack({ kind, included, isScanned }: Explanation): boolean {
  return !included && !isScanned && ['bulk', 'credential', 'hard', 'unreadable'].includes(kind);
}

/** Explains a path with a link on its way. `link` explains the link by its name alone, which is synced. */
export function explainLink(rules: PathRules, link: Explanation, path: string, links: number): Explanation {
  const { path: at } = link;
  const target = readTarget(join(rules.root, at));
  const leadsTo = explainTarget(rules, at, target, links);
  if (!leadsTo) return { ...builtInRule('hard', false, () => strings.linkOutside(target)), path: at };
  if (isKeptBack(leadsTo))
    return { ...builtInRule('hard', false, () => strings.linkToExcluded(target)), path: at, leadsTo };
  if (path === at) return leadsTo.included || leadsTo.isScanned ? link : { ...link, leadsTo };
  const file = posix.join(targetPath(at, target), path.slice(at.length + 1));
  const found = rules.explain(file, links + 1);
  return { ...found, target: found.target ?? file };
}
