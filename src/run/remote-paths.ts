import { posix } from 'node:path';
import { REMOTE_ROOT } from '../sync/options.ts';
import { COPIES_ROOT } from './request.ts';

/** A sandbox path in a line of text. */
export interface RemotePath {
  /** The start of the path in the text. */
  readonly start: number;
  readonly length: number;
  /** Relative to the folder, or absolute for a copy of a file from outside it. */
  readonly path: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

const ROOT = `(?<url>file://(?:localhost)?)?(?:${REMOTE_ROOT}|(?<copies>${COPIES_ROOT}))/`;
/** Not in the middle of another path. An option may come before, as in `-I/workspace/include`. */
const NOT_IN_PATH = '(?:(?<![\\w./~-])|(?<=(?<![\\w./~-])-[A-Za-z]))';

/**
 * Returns the pattern of a line and column: `:3:4`, `:3.4`, `(3,4)`, ` (3)`, `:[3,4]`, `: (3, 4)`, `: 3:`, `, line 3`, ` on line 3`,
 * `: line 3`, `:line 3`, ` line: 3`, ` (line 3)`, `#L3`, `#L3C4`, `#3:4`, ` 3:4`, and `, 3` at the end.
 */
function position(suffix: '' | 'Inside' = ''): string {
  const colons = `:L?(?<line${suffix}>\\d+)(?:[:.](?<column${suffix}>\\d+))?`;
  const brackets = `(?: ?\\(|: ?[([{])(?<line2${suffix}>\\d+)(?:[,:] ?(?<column2${suffix}>\\d+))?[)\\]}](?!\\.?\\w(?!\\w*\\())`;
  const words = `[,:]? ?\\(?(?:(?:on|at) )?[Ll]ines?(?: |: ?)(?<line3${suffix}>\\d+)(?:-\\d+)?(?:[,:]? ?(?:at )?col(?:umn)?:? (?<column3${suffix}>\\d+))?`;
  const fragment = `#L?(?<line4${suffix}>\\d+)(?:[C:.](?<column4${suffix}>\\d+))?(?!\\.?\\w)`;
  const blank = `(?: (?<line6${suffix}>\\d+):(?<column6${suffix}>\\d+)|,? (?<line7${suffix}>\\d+)$)`;
  return `(?:${colons}|${brackets}|: (?<line5${suffix}>\\d+)(?=:)|${words}|${fragment}|${blank})`;
}

const EXPRESSIONS = [
  // In quotes, with any characters: `File "/workspace/a b.py", line 3`.
  new RegExp(
    `(?<quote>["'\`])${ROOT}(?<path>(?:(?!\\k<quote>).)+?)${position('Inside')}?\\k<quote>${position()}?`,
    'g',
  ),
  // In parentheses, with blanks: `at run (/workspace/a b.js:3:4)`.
  new RegExp(`(?<=\\()${ROOT}(?<path>[^()]+?):(?<line>\\d+):(?<column>\\d+)(?=\\))`, 'g'),
  // Alone. Brackets belong to a path if they are closed in it, as in `app/[id]/(group)/page.tsx` and `a(1).csv`.
  new RegExp(
    `${NOT_IN_PATH}${ROOT}(?<path>(?:[^\\s:"'\`“”‘’(),;<>|→[\\]{}#]|’(?=\\w)|#(?!L?\\d+(?:[C:.]\\d+)?(?!\\.?\\w))|\\[[^\\s[\\]]*\\]|(?<=/)\\([^\\s()]*\\)(?=/)|\\([^\\s()]*\\)(?=\\.\\w))+)${position()}?`,
    'g',
  ),
];

/** A sentence or a quote may end after a path alone. */
const AFTER_PATH = /[.!?…»。，、；：！？」』》】*]+$/;
/** What tools add to a file's path: a bundler's query, and the number of a test. */
const ADDED = /(?<=\.\w+)\?[\w=&.%-]+$|\[\d+(?::\d+)+\]$/;
/** Some compilers print the place at the end of a message: `/workspace/a.js: Unexpected token (3:5)`. */
const PLACE_AT_END = /^: .*\((\d+):(\d+)\)$/;

/** Finds the sandbox paths in a line of a program's output. */
export function findRemotePaths(text: string): RemotePath[] {
  const found: RemotePath[] = [];
  for (const match of EXPRESSIONS.flatMap((expression) => [...text.matchAll(expression)])) {
    const start = match.index;
    const isTaken = found.some((other) => start < other.start + other.length && other.start < start + match[0].length);
    if (isTaken) continue;
    const { path, ...lineAndColumn } = placeOf(match.groups ?? {});
    const isCertain = match.groups?.quote !== undefined || lineAndColumn.line !== undefined;
    const cut = isCertain ? 0 : (AFTER_PATH.exec(path)?.[0].length ?? 0);
    const atEnd = lineAndColumn.line === undefined ? PLACE_AT_END.exec(text.slice(start + match[0].length)) : null;
    const place = atEnd ? { line: numberOf(atEnd[1]), column: numberOf(atEnd[2]) } : lineAndColumn;
    found.push({ start, length: match[0].length - cut, path: path.slice(0, path.length - cut), ...place });
  }
  return found
    .filter(({ path }) => path !== '' && !/^\.\.(\/|$)/.test(posix.normalize(path)))
    .sort((a, b) => a.start - b.start);
}

function placeOf(groups: Readonly<Record<string, string | undefined>>): Pick<RemotePath, 'path' | 'line' | 'column'> {
  const first = (name: string) =>
    numberOf(
      ['', 2, 3, 4, 5, 6, 7].flatMap((which) => groups[`${name}${which}`] ?? groups[`${name}${which}Inside`] ?? [])[0],
    );
  const path = groups.url ? decoded(groups.path ?? '') : (groups.path ?? '').replace(ADDED, '');
  return { path: groups.copies ? `${groups.copies}/${path}` : path, line: first('line'), column: first('column') };
}

/** Returns the path of a URL, without its query, which tells apart the imports of one file, and without escapes. */
function decoded(url: string): string {
  const path = url.replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function numberOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
