/** Prints one progress line to stderr: stdout belongs to the program that runs, or to the tests. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The sentence of an error, whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
