import { isUtf8 } from 'node:buffer';
import type { PatternList } from '../rules/gitignore.ts';
import { settingPatterns } from '../rules/setting-patterns.ts';
import type { Skipped } from '../scan/scan.ts';
import { strings } from '../strings.ts';

/** The files in a sandbox that patterns match. */
export interface PullMatches {
  readonly paths: readonly string[];
  /** Matching files that can't be pulled, because their names aren't UTF-8. */
  readonly refused: readonly Skipped[];
  /** Patterns that match no file. */
  readonly unmatched: readonly string[];
}

/** Matches the names of a sandbox's files, as `find -print0` lists them. */
export function matchFiles(listing: Buffer, patterns: readonly string[], remoteRoot: string): PullMatches {
  const all = settingPatterns('', patterns, remoteRoot);
  const names = listing
    .toString('latin1')
    .split('\0')
    .filter(Boolean)
    .map((name) => decodeName(name.replace(/^\.\//, '')));
  const matching = names.filter(({ path }) => isMatched(all, path));
  const unmatched = patterns.filter((pattern) => {
    if (pattern.startsWith('!')) return false;
    const own = settingPatterns('', [pattern], remoteRoot);
    return !names.some(({ path }) => isMatched(own, path));
  });
  return {
    paths: matching.filter(({ isValid }) => isValid).map(({ path }) => path),
    refused: matching.filter(({ isValid }) => !isValid).map(({ path }) => withoutUtf8(path)),
    unmatched,
  };
}

/** Returns why a file with this name, shown with replacement characters, isn't pulled. */
export function withoutUtf8(path: string): Skipped {
  return { path, reason: strings.notUtf8() };
}

/** Decodes a name that was read as Latin-1. One that isn't valid UTF-8 gets replacement characters. */
export function decodeName(latin1: string): { readonly path: string; readonly isValid: boolean } {
  const bytes = Buffer.from(latin1, 'latin1');
  return { path: bytes.toString(), isValid: isUtf8(bytes) };
}

/** A pattern that matches a folder matches everything below it, as in an ignore file. */
function isMatched(list: PatternList, path: string): boolean {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const pattern = list.last(parts.slice(0, depth).join('/'), parts[depth - 1] as string, depth < parts.length);
    if (pattern) {
      if (!pattern.negated) return true;
      if (depth === parts.length) return false;
    }
  }
  return false;
}
