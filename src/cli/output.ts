/** What commands print: results on stdout, and everything else on stderr. */
export class Output {
  readonly isJson: boolean;
  readonly #isQuiet: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #hasProgress = false;

  constructor(
    { json, quiet }: { json: boolean; quiet: boolean },
    { stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>,
  ) {
    this.isJson = json;
    this.#isQuiet = quiet;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Prints a result: as JSON, or else as text. */
  result(json: unknown, text: string): void {
    this.clear();
    const line = this.isJson ? JSON.stringify(json) : text;
    if (line !== '') this.#stdout.write(`${line}\n`);
  }

  /** Prints a line about what happened. */
  status(line: string): void {
    if (this.#isQuiet) return;
    this.clear();
    this.#stderr.write(`${line}\n`);
  }

  /** Shows the current step in a terminal, until something else is shown. */
  progress(line: string): void {
    if (this.#isQuiet || !this.#stderr.isTTY) return;
    this.clear();
    this.#stderr.write(line);
    this.#hasProgress = true;
  }

  /** Removes the current step. */
  clear(): void {
    if (this.#hasProgress) this.#stderr.write('\r\u001b[2K');
    this.#hasProgress = false;
  }

  /** Prints an error, which is printed even if the rest isn't. */
  error(message: string): void {
    this.clear();
    this.#stderr.write(`${message}\n`);
  }
}

/** Returns rows in columns, each as wide as its longest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Waits until all that streams were given is written, or can't be. Nothing to wait for is undefined. */
export function drained(streams: readonly NodeJS.WriteStream[], signal?: AbortSignal): Promise<void> | undefined {
  const full = streams.filter((stream) => stream.writableLength > 0 && !stream.destroyed);
  if (full.length === 0 || signal?.aborted) return undefined;
  return new Promise((resolve) => {
    let left = full.length;
    const end = () => {
      signal?.removeEventListener('abort', end);
      resolve();
    };
    signal?.addEventListener('abort', end, { once: true });
    // Called after everything before it, or once the reader is gone.
    for (const stream of full)
      stream.write('', () => {
        left -= 1;
        if (left === 0) end();
      });
  });
}
