import { logicalLines } from '../python-lines.ts';

/** Lines of a text, from 0, both included. */
export interface Lines {
  readonly first: number;
  readonly last: number;
  /** The line to go on with; absent at the end. */
  readonly next?: number;
}

/** What carries on the statement above it at the same indentation. */
const CARRIES_ON = /^(?:else|elif|except|finally)\b/;

/**
 * What stands for a cursor's line when nothing is selected: in Python the whole statement at the left edge that it
 * belongs to, with its decorators and branches; in other languages the line itself. On an empty line or a comment it is
 * what comes next. Absent when nothing does.
 */
export function linesToRun(text: string, cursor: number, languageId: string): Lines | undefined {
  const lines = text.split('\n');
  if (languageId === 'python') return pythonStatement(text, lines, cursor);
  const isCode = (line: string) => line.trim() !== '';
  const first = lines.findIndex((line, at) => at >= cursor && isCode(line));
  if (first < 0) return undefined;
  const next = lines.findIndex((line, at) => at > first && isCode(line));
  return { first, last: first, ...(next >= 0 && { next }) };
}

function pythonStatement(text: string, lines: readonly string[], cursor: number): Lines | undefined {
  const starts = [...logicalLines(text)].map(({ line }) => line);
  const codeAt = (line: number) => lines[line] ?? '';
  const logical = starts
    .map((line, at) => ({ line, end: (starts[at + 1] ?? lines.length) - 1, code: codeAt(line) }))
    .filter(({ code }) => /^\s*[^\s#]/.test(code));
  // The line whose text the cursor is in, or the next one.
  let start = logical.findIndex(({ end }) => end >= cursor);
  if (start < 0) return undefined;
  const isTop = (at: number) => /^\S/.test(logical[at]?.code ?? '');
  const isDecorator = (at: number) => logical[at]?.code.startsWith('@') === true;
  while (start > 0 && (!isTop(start) || CARRIES_ON.test(logical[start]?.code ?? ''))) start -= 1;
  while (start > 0 && isDecorator(start - 1)) start -= 1;
  let after = start;
  while (isDecorator(after)) after += 1;
  after += 1;
  while (after < logical.length && (!isTop(after) || CARRIES_ON.test(logical[after]?.code ?? ''))) after += 1;
  const [first, last, next] = [logical[start], logical[after - 1], logical[after]];
  if (!first || !last) return undefined;
  return { first: first.line, last: last.end, ...(next && { next: next.line }) };
}
