import { type Matcher, type PatternLine, type Severity, severityOf } from './tasks/matcher.ts';
import { renderedLine } from './tasks/rendered-line.ts';

/** A problem that a matcher found. Lines and columns start at 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  /** Undefined if the problem is the whole line. */
  readonly column: number | undefined;
  readonly endLine: number | undefined;
  readonly endColumn: number | undefined;
  readonly severity: Severity;
  readonly code: string | undefined;
  readonly message: string;
}

/** Receives what a scanner finds. */
export interface ScannerEvents {
  problem(problem: Problem, matcher: Matcher): void;
  /** A background task begins to work again: its earlier problems, or those of the file, are outdated. */
  begin?(matcher: Matcher, file: string | undefined): void;
  /** A background task has finished its work, and waits for the next. */
  finish?(matcher: Matcher): void;
}

const PARTS = ['file', 'location', 'line', 'column', 'endLine', 'endColumn', 'severity', 'code', 'message'] as const;
type Found = Partial<Record<(typeof PARTS)[number], string>>;

/** The part of a line that is matched: a pattern may take time that grows faster than the line. */
const MAX_LINE_CHARS = 4000;

/**
 * Finds the problems of a task's matchers in its output. A line belongs to the first matcher that accepts it. The lines with
 * which work begins and ends mean something only in a background task.
 */
export class ProblemScanner {
  readonly #matchers: readonly CompiledMatcher[];
  readonly #events: ScannerEvents;
  /** The number of lines of the longest pattern. */
  readonly #windowLength: number;
  /** The last lines that aren't part of a problem. */
  #window: string[] = [];
  /** The start of a line that isn't complete yet. */
  #held = '';
  /** A matcher whose last line can repeat, and what it found before that line. */
  #repeating: { matcher: CompiledMatcher; before: Found } | undefined;
  /** The background matchers that are at work. */
  readonly #busy = new Set<CompiledMatcher>();

  constructor(
    matchers: readonly Matcher[],
    events: ScannerEvents,
    { isBackground }: { readonly isBackground: boolean },
  ) {
    this.#matchers = matchers
      .map((matcher) => new CompiledMatcher(isBackground ? matcher : { ...matcher, background: undefined }))
      .sort((a, b) => b.lines.length - a.lines.length);
    this.#windowLength = Math.max(1, ...this.#matchers.map(({ lines }) => lines.length));
    this.#events = events;
    for (const each of this.#matchers) if (each.matcher.background?.activeOnStart) this.#busy.add(each);
  }

  feed(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#hold(text, start, end);
      this.#take(this.#held);
      this.#held = '';
      start = end + 1;
    }
    this.#hold(text, start, text.length);
  }

  /** Takes the last line, which may lack a newline. */
  end(): void {
    if (this.#held !== '') this.#take(this.#held);
    this.#held = '';
  }

  #hold(text: string, start: number, end: number): void {
    const room = MAX_LINE_CHARS - this.#held.length;
    if (room > 0) this.#held += text.slice(start, Math.min(end, start + room));
  }

  #take(raw: string): void {
    const text = renderedLine(raw);
    if (this.#isEdge(text)) return;
    if (this.#repeating && this.#repeats(text, this.#repeating)) return;
    this.#repeating = undefined;
    this.#window = [...this.#window, text].slice(-this.#windowLength);
    for (const each of this.#matchers) {
      const found = each.match(this.#window);
      if (!found || !this.#report(found.all, each.matcher)) continue;
      if (each.lines.at(-1)?.line.loop) this.#repeating = { matcher: each, before: found.before };
      this.#window = [];
      return;
    }
  }

  /** Returns true for the line with which a background task begins or finishes its work. */
  #isEdge(text: string): boolean {
    let hasBegun = false;
    for (const each of this.#matchers) {
      const { background } = each.matcher;
      const match = this.#busy.has(each) ? undefined : background?.begins.exec(text);
      if (!match) continue;
      hasBegun = true;
      this.#busy.add(each);
      this.#events.begin?.(each.matcher, match[background?.beginsFile ?? -1]);
    }
    if (hasBegun) return true;
    const finished = this.#matchers.filter(
      (each) => this.#busy.has(each) && each.matcher.background?.ends.test(text) === true,
    );
    for (const each of finished) {
      this.#busy.delete(each);
      this.#events.finish?.(each.matcher);
    }
    return finished.length > 0;
  }

  #repeats(text: string, { matcher: { lines, matcher }, before }: { matcher: CompiledMatcher; before: Found }) {
    const last = lines.at(-1);
    const match = last?.regexp.exec(text);
    return last && match ? this.#report(withParts(before, last.line, match), matcher) : false;
  }

  #report(found: Found, matcher: Matcher): boolean {
    const { file, message, code, severity } = found;
    const place = placeOf(found, matcher.lines);
    if (!file || !place || !message) return false;
    this.#events.problem(
      { file, ...place, severity: severityOfMatch(severity) ?? matcher.severity, code, message },
      matcher,
    );
    return true;
  }
}

class CompiledMatcher {
  readonly matcher: Matcher;
  readonly lines: readonly { readonly line: PatternLine; readonly regexp: RegExp }[];

  constructor(matcher: Matcher) {
    this.matcher = matcher;
    this.lines = matcher.lines.map((line) => ({ line, regexp: new RegExp(line.regexp) }));
  }

  /** Matches the last lines. Returns what was found in all of them, and in those before the last. */
  match(window: readonly string[]): { all: Found; before: Found } | undefined {
    const start = window.length - this.lines.length;
    if (start < 0) return undefined;
    let before: Found = {};
    let all: Found = {};
    for (const [index, { line, regexp }] of this.lines.entries()) {
      const match = regexp.exec(window[start + index] ?? '');
      if (!match) return undefined;
      before = all;
      all = withParts(all, line, match);
    }
    return { all, before };
  }
}

/** Adds what a line has found. The first value counts, but messages are put together. */
function withParts(before: Found, line: PatternLine, match: RegExpExecArray): Found {
  const found = { ...before };
  for (const part of PARTS) {
    const group = line[part];
    const text = group === undefined ? undefined : match[group]?.trim();
    if (text === undefined) continue;
    if (found[part] === undefined) found[part] = text;
    else if (part === 'message') found.message += `\n${text}`;
  }
  return found;
}

type Place = Pick<Problem, 'line' | 'column' | 'endLine' | 'endColumn'>;

/** Returns the place of a problem, as VS Code reads it; undefined if it has none. */
function placeOf(found: Found, [first, ...others]: readonly PatternLine[]): Place | undefined {
  const { location, line } = found;
  // A single line that names only a file, such as a linker's, is about all of it.
  const isFile = first?.kind === 'file' || (first?.kind === 'location' && others.length === 0 && !location && !line);
  if (isFile) return { line: 1, column: 1, endLine: 1, endColumn: 1 };
  if (location) return /\d/.test(location) ? placeFrom(location.split(',').map(numberOf)) : undefined;
  if (!line) return undefined;
  const parts = [line, found.column, found.endLine, found.endColumn];
  return placeFrom(parts.map((text) => (text ? numberOf(text) : undefined)));
}

/** What isn't a positive number counts as 1, and an end before the start as the start. */
function placeFrom([first, second, third, fourth]: readonly (number | undefined)[]): Place {
  const line = positive(first) ?? 1;
  const column = second === undefined ? undefined : (positive(second) ?? 1);
  const endColumn = fourth === undefined ? undefined : (positive(fourth) ?? column);
  return { line, column, endLine: endColumn && Math.max(line, positive(third) ?? 1), endColumn };
}

function numberOf(text: string): number {
  return Number.parseInt(text, 10);
}

function positive(value = 0): number | undefined {
  return value > 0 ? value : undefined;
}

function severityOfMatch(text = ''): Severity | undefined {
  const letters: Readonly<Record<string, Severity>> = { E: 'error', W: 'warning', I: 'info' };
  return severityOf(text) ?? letters[text] ?? (/^(hint|note)$/i.test(text) ? 'info' : undefined);
}
