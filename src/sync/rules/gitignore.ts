/**
 * Patterns in `.gitignore` syntax, matched like Git does (gitignore(5), and Git's wildmatch): on bytes, and a later
 * line overrides an earlier one. Tested against `git check-ignore` on generated trees.
 */
import {
  ANY_BUT_SLASH,
  ANY_CHAR,
  ANY_FOLDERS,
  type CharSet,
  type CodeRange,
  compileGlob,
  type GlobNode,
  globSource,
  literal,
} from '../../base/glob.ts';

/** A line to read as one of an ignore file, and what it is shown as. */
export interface Line {
  readonly text: string;
  readonly shown: string;
  /** The line number, from 1. */
  readonly line: number;
}

/** One line of an ignore file. */
export interface Pattern {
  /** The line as written. */
  readonly text: string;
  /** The line number, from 1. */
  readonly line: number;
  /** A `!` line, which includes again what an earlier line excluded. */
  readonly negated: boolean;
  readonly folderOnly: boolean;
  /** The pattern without `!` and without leading and trailing slashes. */
  readonly body: string;
  /** True if it is matched against the whole path, false if against the name. */
  readonly anchored: boolean;
  readonly matches: (path: string, name: string) => boolean;
}

/** The lines of one ignore file. Paths are relative to the file's folder. */
export class PatternList {
  static readonly empty = new PatternList('', '');
  /** The file or setting that contains the lines. */
  readonly source: string;
  readonly patterns: readonly Pattern[];
  /** Lines by the name, extension, or last part that they require. Most names need only these lookups. */
  readonly #byName = new Map<string, number[]>();
  readonly #byExtension = new Map<string, number[]>();
  readonly #byLastPart = new Map<string, number[]>();
  readonly #others: number[] = [];
  /** Matches every name that any of `#others` can match. */
  readonly #anyOther: RegExp | undefined;
  readonly #ignoreCase: boolean;

  constructor(source: string, lines: string | readonly Line[], ignoreCase = false) {
    this.source = source;
    this.#ignoreCase = ignoreCase;
    this.patterns = (typeof lines === 'string' ? linesOf(lines) : lines).flatMap((line) => parse(line, ignoreCase));
    for (const [index, { anchored, body }] of this.patterns.entries()) {
      const lastPart = body.slice(body.lastIndexOf('/') + 1);
      if (!anchored && isLiteral(body)) this.#add(this.#byName, body, index);
      else if (!anchored && /^\*\.[^*?[\\.]+$/.test(body)) this.#add(this.#byExtension, body.slice(1), index);
      else if (anchored && lastPart !== '' && isLiteral(lastPart)) this.#add(this.#byLastPart, lastPart, index);
      else this.#others.push(index);
    }
    const others = this.#others.map((index) => this.patterns[index] as Pattern);
    if (others.length > 0 && others.every(({ anchored }) => !anchored)) {
      const sources = others.flatMap(({ body }) => {
        const nodes = nodesOf(body, false, ignoreCase);
        return nodes ? [globSource(nodes)] : [];
      });
      if (!sources.includes(undefined)) this.#anyOther = new RegExp(`^(?:${sources.join('|')})$`, 'su');
    }
  }

  #add(map: Map<string, number[]>, key: string, index: number): void {
    const folded = this.#ignoreCase ? fold(key) : key;
    map.set(folded, [...(map.get(folded) ?? []), index]);
  }

  /**
   * Returns the last line that matches, which decides. `path` is relative to the list's folder, and `name` is its last
   * part.
   */
  last(path: string, name: string, isFolder: boolean): Pattern | undefined {
    if (this.patterns.length === 0) return undefined;
    const key = this.#text(name);
    const dot = key.lastIndexOf('.');
    let best = this.#newest(this.#byName.get(key), isFolder, -1);
    if (dot >= 0) best = this.#newest(this.#byExtension.get(key.slice(dot)), isFolder, best);
    const anchored = this.#byLastPart.get(key);
    if (anchored) best = this.#newestMatching(anchored, path, key, isFolder, best);
    if (this.#others.length > 0 && (!this.#anyOther || this.#anyOther.test(key)))
      best = this.#newestMatching(this.#others, path, key, isFolder, best);
    return best < 0 ? undefined : this.patterns[best];
  }

  /** Returns all lines that match, whether they decide or not. */
  allMatching(path: string, name: string, isFolder: boolean): Pattern[] {
    const [wholePath, wholeName] = [this.#text(path), this.#text(name)];
    return this.patterns.filter((each) => (isFolder || !each.folderOnly) && each.matches(wholePath, wholeName));
  }

  /** Returns a name or path as it is compared. */
  #text(text: string): string {
    const bytes = toBytes(text);
    return this.#ignoreCase ? fold(bytes) : bytes;
  }

  #newestMatching(indexes: readonly number[], path: string, name: string, isFolder: boolean, best: number): number {
    const wholePath = this.#text(path);
    for (let at = indexes.length - 1; at >= 0; at -= 1) {
      const index = indexes[at] as number;
      if (index < best) return best;
      const pattern = this.patterns[index] as Pattern;
      if ((isFolder || !pattern.folderOnly) && pattern.matches(wholePath, name)) return index;
    }
    return best;
  }

  #newest(indexes: readonly number[] | undefined, isFolder: boolean, best: number): number {
    if (!indexes) return best;
    for (let at = indexes.length - 1; at >= 0; at -= 1) {
      const index = indexes[at] as number;
      if (index > best && (isFolder || !this.patterns[index]?.folderOnly)) return index;
    }
    return best;
  }

  /**
   * Returns true if a line, negated or not, can match something below a folder. Lines without a slash can match
   * anywhere and don't count: as in Git, they never reopen an excluded folder.
   */
  mayMatchBelow(folder: string, negated: boolean): boolean {
    const parts = folder.split('/');
    return this.patterns.some(
      (pattern) => pattern.anchored && pattern.negated === negated && reaches(pattern.body.split('/'), parts),
    );
  }
}

/** Returns true if a pattern's first parts match a folder's parts and leave something to match below it. */
function reaches(pattern: readonly string[], folder: readonly string[]): boolean {
  for (const [depth, part] of folder.entries()) {
    const own = pattern[depth];
    if (own === '**') return depth > 0;
    if (own === undefined || !compile(own, true, false)(toBytes(part))) return false;
  }
  return pattern.length > folder.length;
}

function linesOf(text: string): Line[] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  return lines.flatMap((raw, index) => {
    if (raw === '' || raw.startsWith('#')) return [];
    // Like Git, accepts CRLF at the end of the last line, too.
    const line = trimSpaces(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
    return [{ text: line, shown: line, line: index + 1 }];
  });
}

/** Returns the pattern of a line, if it has one. */
function parse({ text, shown, line }: Line, ignoreCase: boolean): Pattern[] {
  const negated = text.startsWith('!');
  let body = negated ? text.slice(1) : text;
  const folderOnly = body.endsWith('/');
  if (folderOnly) body = body.slice(0, -1);
  const anchored = body.includes('/');
  if (body.startsWith('/')) body = body.slice(1);
  if (body === '') return [];
  const bytes = toBytes(body);
  const test = compile(bytes, anchored, ignoreCase);
  const matches = anchored ? (path: string) => test(path) : (_path: string, name: string) => test(name);
  return [{ text: shown, line, negated, folderOnly, body: bytes, anchored, matches }];
}

/** Removes trailing spaces, except those after a backslash. */
export function trimSpaces(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '\\') {
      at += 1;
      if (at === line.length) return line;
      end = at + 1;
    } else if (line[at] !== ' ') end = at + 1;
  }
  return line.slice(0, end);
}

function isLiteral(body: string): boolean {
  return !/[*?[\\]/.test(body);
}

/** Returns one character for each byte of UTF-8, because Git's `?` and classes match bytes. */
function toBytes(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

/** Folds the case of ASCII letters, as Git does with `core.ignoreCase`. */
function fold(bytes: string): string {
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Returns a function that tests text from `toBytes`, folded if the pattern ignores case. */
function compile(body: string, isPath: boolean, ignoreCase: boolean): (text: string) => boolean {
  if (isLiteral(body)) {
    const wanted = ignoreCase ? fold(body) : body;
    return (text) => text === wanted;
  }
  const nodes = nodesOf(body, isPath, ignoreCase);
  return nodes ? compileGlob(nodes) : () => false;
}

/** Reads a pattern; undefined if it never matches. */
function nodesOf(body: string, isPath: boolean, ignoreCase: boolean): GlobNode[] | undefined {
  // Git compares the part before the first wildcard separately. The rest is matched like a separate path.
  const special = body.search(/[*?[\\]/);
  const start = special < 0 ? body.length : special;
  const rest = readWildcards(body.slice(start), isPath, ignoreCase);
  const literals = ignoreCase ? fold(body.slice(0, start)) : body.slice(0, start);
  return rest && [...[...literals].map(literal), ...rest];
}

/** Reads a pattern that starts with a wildcard. */
function readWildcards(pattern: string, isPath: boolean, ignoreCase: boolean): GlobNode[] | undefined {
  const any = isPath ? ANY_BUT_SLASH : ANY_CHAR;
  const one = (char: string) => literal(ignoreCase ? fold(char) : char);
  const nodes: GlobNode[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] as string;
    if (char === '?') nodes.push({ kind: 'one', set: any });
    else if (char === '\\') {
      at += 1;
      const next = pattern[at];
      if (next === undefined) return undefined;
      nodes.push(one(next));
    } else if (char === '[') {
      const found = readClass(pattern, at, isPath, ignoreCase);
      if (!found) return undefined;
      nodes.push({ kind: 'one', set: found.set });
      at = found.end;
    } else if (char === '*') {
      const start = at;
      while (pattern[at + 1] === '*') at += 1;
      const wholePart =
        at > start && (start === 0 || pattern[start - 1] === '/') && /^(?:$|\/|\\\/)/.test(pattern.slice(at + 1));
      if (!isPath || (wholePart && pattern[at + 1] !== '/')) nodes.push({ kind: 'many', set: ANY_CHAR });
      else if (wholePart) {
        nodes.push(...ANY_FOLDERS);
        at += 1;
      } else nodes.push({ kind: 'many', set: any });
    } else nodes.push(one(char));
  }
  return nodes;
}

const NAMED_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

/** Reads the `[…]` at `start`. Returns its set and the index of its `]`; undefined if it has no end. */
function readClass(
  pattern: string,
  start: number,
  isPath: boolean,
  ignoreCase: boolean,
): { set: CharSet; end: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at += 1;
  const members = new Set<number>();
  let previous = -1;
  for (let first = true; first || pattern[at] !== ']'; at += 1, first = false) {
    let char = pattern[at];
    if (char === undefined) return undefined;
    const named = char === '[' && pattern[at + 1] === ':' ? pattern.indexOf(']', at + 2) : -1;
    if (char === '[' && pattern[at + 1] === ':' && named < 0) return undefined;
    if (named > 0 && pattern[named - 1] === ':' && named - 1 >= at + 2) {
      const expression = NAMED_CLASSES[pattern.slice(at + 2, named - 1)];
      if (!expression) return undefined;
      for (let code = 0; code < 256; code += 1) if (expression.test(String.fromCharCode(code))) members.add(code);
      previous = -1;
      at = named;
      continue;
    }
    if (char === '-' && previous >= 0 && pattern[at + 1] !== undefined && pattern[at + 1] !== ']') {
      at += 1;
      if (pattern[at] === '\\') at += 1;
      const last = pattern[at];
      if (last === undefined) return undefined;
      for (let code = previous; code <= last.charCodeAt(0); code += 1) members.add(code);
      previous = -1;
      continue;
    }
    if (char === '\\') {
      at += 1;
      char = pattern[at];
      if (char === undefined) return undefined;
    }
    previous = char.charCodeAt(0);
    members.add(previous);
  }
  return { set: classSet(members, negated, isPath, ignoreCase), end: at };
}

function classSet(members: ReadonlySet<number>, negated: boolean, isPath: boolean, ignoreCase: boolean): CharSet {
  const ranges: CodeRange[] = [];
  for (let code = 0; code < 256; code += 1) {
    const char = String.fromCharCode(code);
    const isUpper = ignoreCase && /[a-z]/.test(char) && members.has(char.toUpperCase().charCodeAt(0));
    if ((members.has(code) || isUpper) !== negated && !(isPath && char === '/')) ranges.push([code, code]);
  }
  return { ranges: joined(ranges), negated: false };
}

/** Joins ranges that touch. They must be sorted. */
function joined(ranges: readonly CodeRange[]): CodeRange[] {
  const result: CodeRange[] = [];
  for (const [first, last] of ranges) {
    const previous = result.at(-1);
    if (previous && previous[1] + 1 === first) result[result.length - 1] = [previous[0], last];
    else result.push([first, last]);
  }
  return result;
}
