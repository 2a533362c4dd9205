/** Prints a progress message to stderr. stdout is for the output of programs and tests. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
