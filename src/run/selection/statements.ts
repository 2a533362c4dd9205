import { logicalLines } from '../python-lines.ts';

/** A range of lines, starting at 0, both ends included. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
  /** The line to continue with; absent at the end. */
  readonly next?: number;
}

/** Matches lines that continue the statement above at the same indentation. */
const CONTINUATION = /^(?:else|elif|except|finally)\b/;

/**
 * Returns the lines to run when nothing is selected: in Python the whole top-level statement at the cursor, with its
 * decorators and branches, and in other languages the current line. On an empty line or a comment, the next code is used.
 * Undefined if there is none.
 */
export function linesToRun(text: string, cursor: number, languageId: string): LineRange | undefined {
  const lines = text.split('\n');
  if (languageId === 'python') return pythonStatement(text, lines, cursor);
  const isCode = (line: string) => line.trim() !== '';
  const first = lines.findIndex((line, at) => at >= cursor && isCode(line));
  if (first < 0) return undefined;
  const next = lines.findIndex((line, at) => at > first && isCode(line));
  return { first, last: first, ...(next >= 0 && { next }) };
}

function pythonStatement(text: string, lines: readonly string[], cursor: number): LineRange | undefined {
  const starts = [...logicalLines(text)].map(({ line }) => line);
  const codeAt = (line: number) => lines[line] ?? '';
  const logical = starts
    .map((line, at) => ({ line, end: (starts[at + 1] ?? lines.length) - 1, code: codeAt(line) }))
    .filter(({ code }) => /^\s*[^\s#]/.test(code));
  // The logical line at the cursor, or the next one.
  let start = logical.findIndex(({ end }) => end >= cursor);
  if (start < 0) return undefined;
  const isTop = (at: number) => /^\S/.test(logical[at]?.code ?? '');
  const isDecorator = (at: number) => logical[at]?.code.startsWith('@') === true;
  while (start > 0 && (!isTop(start) || CONTINUATION.test(logical[start]?.code ?? ''))) start -= 1;
  while (start > 0 && isDecorator(start - 1)) start -= 1;
  let after = start;
  while (isDecorator(after)) after += 1;
  after += 1;
  while (after < logical.length && (!isTop(after) || CONTINUATION.test(logical[after]?.code ?? ''))) after += 1;
  const [first, last, next] = [logical[start], logical[after - 1], logical[after]];
  if (!first || !last) return undefined;
  return { first: first.line, last: last.end, ...(next && { next: next.line }) };
}
