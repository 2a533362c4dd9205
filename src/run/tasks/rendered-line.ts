import { stripEscapes } from '../../base/text.ts';

/** A line that needs more than its escape sequences removed: it moves the cursor, or erases what it wrote. */
const MOVES = /\r(?!$)|\u0008|\u001b\[\d*[CDGK]/;
/** A sequence that moves the cursor or erases, another sequence, or a character. */
const PART = /\u001b\[(\d*)([CDGK])|\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_].*?(?:\u0007|\u001b\\)|[ -/]*[0-~])|(.)/gs;

/** Returns a line of output as a terminal shows it, such as the last state of a progress bar. */
export function renderedLine(raw: string): string {
  if (!MOVES.test(raw)) return stripEscapes(raw).replace(/\r$/, '');
  const cells: string[] = [];
  let column = 0;
  for (const [, digits = '', move, char] of raw.matchAll(PART)) {
    const count = Math.max(1, Number(digits));
    if (move === 'C') column += Math.min(count, raw.length);
    else if (move === 'D') column = Math.max(0, column - count);
    else if (move === 'G') column = Math.min(count, raw.length) - 1;
    else if (move === 'K') erase(cells, column, digits);
    else if (char === '\r') column = 0;
    else if (char === '\u0008') column = Math.max(0, column - 1);
    else if (char !== undefined) {
      cells[column] = char;
      column += 1;
    }
  }
  return Array.from(cells, (cell) => cell ?? ' ')
    .join('')
    .trimEnd();
}

function erase(cells: string[], column: number, digits: string): void {
  if (digits === '' || digits === '0') cells.splice(column);
  else if (digits === '1') cells.fill(' ', 0, column + 1);
  else cells.splice(0);
}
