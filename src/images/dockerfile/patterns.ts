import { posix } from 'node:path';
import {
  ANY_BUT_SLASH,
  ANY_CHAR,
  ANY_FOLDERS,
  type CodeRange,
  compileGlob,
  type GlobNode,
  literal,
} from '../../base/glob.ts';
import { strings } from '../strings.ts';

/**
 * The patterns of a `.dockerignore` or of `--exclude`: a later one overrides an earlier one, and one that matches a folder
 * matches everything in it. Behaves like https://github.com/moby/patternmatcher, in linear time.
 */
export class DockerPatterns {
  readonly #patterns: readonly { readonly negated: boolean; matches(path: string): boolean }[];
  /** Which patterns match a folder, by its path. */
  readonly #folders = new Map<string, readonly boolean[]>();
  /** True if a pattern begins with `!`. */
  readonly hasExceptions: boolean;

  /** Throws an error whose message is a reason for `refusal`. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.flatMap((pattern) => {
      const negated = pattern.trim().startsWith('!');
      const body = cleaned(negated ? pattern.trim().slice(1) : pattern);
      if (body === '' && !negated) return [];
      const nodes = body === '' ? undefined : readPattern(body);
      if (!nodes) throw new Error(strings.invalidPattern(pattern.trim()));
      return [{ negated, matches: compileGlob(nodes) }];
    });
    this.hasExceptions = this.#patterns.some(({ negated }) => negated);
  }

  /** Reads a `.dockerignore`. Throws as the constructor does. */
  static ofFile(text: string): DockerPatterns {
    const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
    return new DockerPatterns(lines.filter((line) => !line.startsWith('#')));
  }

  /** Returns true if a path, relative and with slashes, is excluded. */
  ignores(path: string): boolean {
    const matching = this.#matching(path);
    const last = matching.lastIndexOf(true);
    return last >= 0 && this.#patterns[last]?.negated === false;
  }

  #matching(path: string): readonly boolean[] {
    const folder = posix.dirname(path);
    const above = folder === '.' ? [] : (this.#folders.get(folder) ?? this.#remember(folder));
    return this.#patterns.map(({ matches }, index) => above[index] === true || matches(path));
  }

  #remember(folder: string): readonly boolean[] {
    const matching = this.#matching(folder);
    this.#folders.set(folder, matching);
    return matching;
  }
}

/**
 * Returns a function that tests if a path matches a source of `COPY`, with the wildcards of Go's `filepath.Match`; with
 * `parents`, also `**`. Undefined if it has no wildcards, or an invalid one.
 */
export function sourcePattern(source: string, parents: boolean): ((path: string) => boolean) | undefined {
  if (!/[*?[\\]/.test(source)) return undefined;
  const nodes = readPattern(parents ? source : source.replace(/\*+/g, '*'));
  return nodes && compileGlob(nodes);
}

/** Removes what Go's `filepath.Clean` removes, and a leading slash. */
function cleaned(pattern: string): string {
  const trimmed = pattern.trim();
  if (trimmed === '') return '';
  const slashes = process.platform === 'win32' ? trimmed.replaceAll('\\', '/') : trimmed;
  return posix
    .normalize(slashes)
    .replace(/(?<=.)\/$/, '')
    .replace(/^\/(?=.)/, '');
}

/** Reads a pattern; undefined if it isn't valid. */
function readPattern(pattern: string): GlobNode[] | undefined {
  const nodes: GlobNode[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] as string;
    if (char === '*' && chars[at + 1] === '*') {
      at += chars[at + 2] === '/' ? 2 : 1;
      if (at === chars.length - 1) nodes.push({ kind: 'many', set: ANY_CHAR });
      // At the beginning, `**x` is whatever ends in x.
      else if (nodes.length === 0 && chars[at] === '*') nodes.push({ kind: 'many', set: ANY_CHAR });
      else nodes.push(...ANY_FOLDERS);
    } else if (char === '*') nodes.push({ kind: 'many', set: ANY_BUT_SLASH });
    else if (char === '?') nodes.push({ kind: 'one', set: ANY_BUT_SLASH });
    else if (char === '\\') {
      at += 1;
      const next = chars[at];
      if (next === undefined) return undefined;
      nodes.push(literal(next));
    } else if (char === '[') {
      const found = readClass(chars, at + 1);
      if (!found) return undefined;
      nodes.push(found.node);
      at = found.end;
    } else nodes.push(literal(char));
  }
  return nodes;
}

/** Reads the rest of a `[…]`. Returns its node and the index of its `]`; undefined if it isn't valid. */
function readClass(chars: readonly string[], start: number): { node: GlobNode; end: number } | undefined {
  const negated = chars[start] === '^';
  const ranges: CodeRange[] = [];
  let at = negated ? start + 1 : start;
  const next = () => {
    if (chars[at] === '\\') at += 1;
    const code = chars[at]?.codePointAt(0);
    at += 1;
    return code;
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    if (chars[at] === undefined || chars[at] === '-' || chars[at] === ']') return undefined;
    const first = next();
    let last = first;
    if (chars[at] === '-') {
      at += 1;
      if (chars[at] === '-' || chars[at] === ']') return undefined;
      last = next();
    }
    if (first === undefined || last === undefined) return undefined;
    ranges.push([first, last]);
  }
  return { node: { kind: 'one', set: { ranges, negated } }, end: at };
}
