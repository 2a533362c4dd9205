import { z } from 'zod';
import { stripEscapes } from '../base/text.ts';
import { strings } from './strings.ts';

const group = z.number().int().min(0).optional();

/** One line of a pattern, as in tasks.json: a regular expression, and what its groups mean. */
const LineSchema = z.object({
  regexp: z.string().refine(isRegExp, { error: () => strings.invalidRegExp() }),
  kind: z.enum(['file', 'location']).optional(),
  file: group,
  location: group,
  line: group,
  column: group,
  endLine: group,
  endColumn: group,
  severity: group,
  code: group,
  message: group,
  loop: z.boolean().optional(),
});
type Line = z.infer<typeof LineSchema>;

/**
 * A problem matcher that defines its own pattern, as written in tasks.json.
 * https://code.visualstudio.com/docs/debugtest/tasks#_defining-a-problem-matcher
 */
export const OwnMatcherSchema = z.object({
  source: z.string().optional(),
  severity: z.string().optional(),
  fileLocation: z.union([z.string(), z.array(z.unknown())]).optional(),
  pattern: z.union([LineSchema.transform((line) => [withDefaults(line)]), z.array(LineSchema).min(1)]),
});
export type OwnMatcher = z.infer<typeof OwnMatcherSchema>;

export type Severity = 'error' | 'warning' | 'info';

/** A problem that a matcher found. Lines and columns start at 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number | undefined;
  readonly endLine: number | undefined;
  readonly endColumn: number | undefined;
  readonly severity: Severity;
  readonly code: string | undefined;
  readonly message: string;
}

type Part = 'file' | 'location' | 'line' | 'column' | 'endLine' | 'endColumn' | 'severity' | 'code' | 'message';
type Found = Partial<Record<Part, string>>;
const PARTS: readonly Part[] = [
  'file',
  'location',
  'line',
  'column',
  'endLine',
  'endColumn',
  'severity',
  'code',
  'message',
];

/** The part of a line that is matched: a pattern may take time that grows faster than the line. */
const MAX_LINE_CHARS = 4000;

/** Finds the problems of one matcher in a stream of output. */
export class ProblemScanner {
  readonly #matcher: OwnMatcher;
  readonly #lines: readonly { readonly regexp: RegExp; readonly line: Line }[];
  readonly #onProblem: (problem: Problem) => void;
  /** The start of a line that isn't complete yet. */
  #held = '';
  /** The captures of the lines matched so far. */
  #found: Found = {};
  /** The number of matched lines of the pattern. */
  #matched = 0;

  constructor(matcher: OwnMatcher, onProblem: (problem: Problem) => void) {
    this.#matcher = matcher;
    this.#lines = matcher.pattern.map((line) => ({ line, regexp: new RegExp(line.regexp) }));
    this.#onProblem = onProblem;
  }

  feed(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#hold(text, start, end);
      this.end();
      start = end + 1;
    }
    this.#hold(text, start, text.length);
  }

  /** Takes the last line, which may lack a newline. */
  end(): void {
    this.#take(this.#held);
    this.#held = '';
  }

  #hold(text: string, start: number, end: number): void {
    const room = MAX_LINE_CHARS - this.#held.length;
    if (room > 0) this.#held += text.slice(start, Math.min(end, start + room));
  }

  #take(raw: string): void {
    const text = stripEscapes(raw).replace(/\r$/, '');
    const expected = this.#lines[this.#matched];
    const match = expected?.regexp.exec(text);
    if (!expected || !match) {
      const isIncomplete = this.#matched > 0;
      this.#matched = 0;
      this.#found = {};
      // The line might start the next match.
      if (isIncomplete) this.#take(raw);
      return;
    }
    const before = this.#found;
    this.#found = { ...before, ...partsOf(expected.line, match) };
    if (this.#matched < this.#lines.length - 1) {
      this.#matched += 1;
      return;
    }
    this.#report();
    if (expected.line.loop) this.#found = before;
    else {
      this.#matched = 0;
      this.#found = {};
    }
  }

  #report(): void {
    const { file, location, message, code, severity } = this.#found;
    const [line, column, endLine, endColumn] = location?.split(',').map(Number) ?? [];
    const number = (part: Part) => Number(this.#found[part]) || undefined;
    if (!file || message === undefined) return;
    this.#onProblem({
      file,
      line: line ?? number('line') ?? 1,
      column: column ?? number('column'),
      endLine: endLine ?? number('endLine'),
      endColumn: endColumn ?? number('endColumn'),
      severity: severityOf(severity ?? this.#matcher.severity),
      code,
      message: message.trim(),
    });
  }
}

function partsOf(line: Line, match: RegExpExecArray): Found {
  const found: Found = {};
  for (const part of PARTS) {
    const number = line[part];
    const text = number === undefined ? undefined : match[number];
    if (text !== undefined) found[part] = text;
  }
  return found;
}

/** Adds VS Code's defaults for a single-line pattern. */
function withDefaults(line: Line): Line {
  const needsPlace = line.kind !== 'file' && line.location === undefined;
  return { file: 1, message: 0, ...(needsPlace && { line: 2, column: 3 }), ...line };
}

function severityOf(text = 'error'): Severity {
  if (/^(w|warn|warning)$/i.test(text)) return 'warning';
  return /^(i|info|information|note|hint)$/i.test(text) ? 'info' : 'error';
}

function isRegExp(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
