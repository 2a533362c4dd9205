/** Quotes a word for a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Quotes words for a POSIX shell and joins them into a command line. */
export function shellJoin(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
