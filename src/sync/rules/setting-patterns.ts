import { posix } from 'node:path';
import { REMOTE_ROOT } from './builtin.ts';
import { PatternList, trimSpaces } from './gitignore.ts';

/**
 * Reads the patterns of a setting or a task. They have the syntax of `.gitignore`, but may also be written as paths, as in a
 * shell (`./a.csv`), in the sandbox (`/workspace/a.csv`), on Windows (`results\a.csv`), or with brackets that mean
 * themselves (`a[1].csv`). Where that leaves two meanings, both match.
 */
export function settingPatterns(source: string, entries: readonly string[], remoteRoot = REMOTE_ROOT): PatternList {
  return new PatternList(
    source,
    entries.flatMap((entry, index) =>
      readings(entry, remoteRoot).map((text) => ({ text, shown: entry, line: index + 1 })),
    ),
  );
}

/** Returns the lines of an ignore file that one entry may stand for. */
function readings(entry: string, remoteRoot: string): string[] {
  const isNegated = entry.startsWith('!');
  const body = trimSpaces(isNegated ? entry.slice(1) : entry);
  const found = [body, body.replaceAll('\\', '/')]
    .map(normalized)
    .flatMap((text) => [text, withoutRoot(text, remoteRoot)])
    .flatMap((text) => [text, text.replaceAll(/\\.|[[\]]/gs, (part) => (part.length > 1 ? part : `\\${part}`))]);
  const lines = found.map((text) => (isNegated ? `!${text}` : text.replace(/^#/, '\\#')));
  return [...new Set(lines)];
}

/** Resolves `.` and `..`. What had slashes stays relative to the root. */
function normalized(text: string): string {
  if (!/(^|\/)(\.\.?)?\/|(^|\/)\.\.?$/.test(text)) return text;
  const path = posix.normalize(text);
  if (path === '.' || path === './') return '**';
  return path.slice(0, -1).includes('/') ? path : `/${path}`;
}

/** Returns what a path in the sandbox is in the folder that is synced to `remoteRoot`. */
function withoutRoot(text: string, remoteRoot: string): string {
  if (text === remoteRoot || text === `${remoteRoot}/`) return '**';
  return text.startsWith(`${remoteRoot}/`) ? text.slice(remoteRoot.length) : text;
}
