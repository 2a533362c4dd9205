/** Quotes a word for a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Splits text into words as a shell does, without its quotes and escapes. `escapable` are the characters that a backslash
 * escapes within double quotes, on which programs differ.
 */
export function splitShellWords(text: string, escapable: string): string[] {
  const isEscapable = (char: string) => escapable.includes(char);
  return (text.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? []).map((word) =>
    word.replace(/\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, escaped, double, single) =>
      double === undefined
        ? (single ?? escaped)
        : double.replace(/\\(.)/g, (pair: string, char: string) => (isEscapable(char) ? char : pair)),
    ),
  );
}

/** Quotes words for a POSIX shell and joins them into a command line. */
export function shellJoin(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
