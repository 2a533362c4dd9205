/** Yields where each statement's first line starts, skipping lines inside strings, brackets, and continued lines. */
export function* logicalLines(text: string): Generator<{ line: number; start: number }> {
  let line = 0;
  let depth = 0;
  let position = 0;
  const length = text.length;
  if (length > 0) yield { line, start: 0 };
  while (position < length) {
    const char = text[position];
    if (char === '\n') {
      line += 1;
      position += 1;
      if (depth === 0 && !isContinued(text, position - 1)) yield { line, start: position };
    } else if (char === '#') {
      const end = text.indexOf('\n', position);
      position = end < 0 ? length : end;
    } else if (char === '"' || char === "'") {
      const end = endOfString(text, position, char);
      for (let at = text.indexOf('\n', position); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) line += 1;
      position = end;
    } else {
      if (char === '(' || char === '[' || char === '{') depth += 1;
      else if (char === ')' || char === ']' || char === '}') depth = Math.max(0, depth - 1);
      position += 1;
    }
  }
}

function isContinued(text: string, newline: number): boolean {
  return text[newline - 1] === '\\' || (text[newline - 1] === '\r' && text[newline - 2] === '\\');
}

/** Returns the position after the string at `start`. An unclosed one ends with its line or, if triple-quoted, the text. */
function endOfString(text: string, start: number, quote: string): number {
  const triple = quote.repeat(3);
  const isTriple = text.startsWith(triple, start);
  let position = start + (isTriple ? 3 : 1);
  while (position < text.length) {
    const char = text[position];
    // A backslash prevents the next character from closing the string, in raw strings as well.
    if (char === '\\') position += 2;
    else if (isTriple && char === quote && text.startsWith(triple, position)) return position + 3;
    else if (!isTriple && char === quote) return position + 1;
    else if (!isTriple && char === '\n') return position;
    else position += 1;
  }
  return text.length;
}
