/** Reopens a program's input at a byte offset. Throws the error if that isn't possible. */
export type Reopen = (offset: number, error: unknown) => Promise<WritableStream<Uint8Array>>;

/**
 * The input of a run. Each write to Modal is one call, so text typed during a call is sent together with the next one.
 * Text typed before the program starts waits for it.
 */
export class Stdin {
  readonly #encoder = new TextEncoder();
  #waiting = '';
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #busy = false;
  #ended = false;
  /** Bytes that the program has received. */
  #sentBytes = 0;
  #reopen: Reopen | undefined;

  write(text: string): void {
    this.#waiting += text;
    void this.#flush();
  }

  /** Closes the program's input after the waiting text. */
  end(): void {
    this.#ended = true;
    void this.#flush();
  }

  connect(stdin: WritableStream<Uint8Array>, reopen?: Reopen): void {
    this.#reopen = reopen;
    this.#writer = stdin.getWriter();
    void this.#flush();
  }

  /** Drops waiting text, because the program has exited. */
  disconnect(): void {
    this.#writer = undefined;
    this.#waiting = '';
  }

  /** The waiting text, without half a character at its end, whose other half comes with the next event. */
  get #ready(): string {
    return this.#ended ? this.#waiting : this.#waiting.replace(/[\ud800-\udbff]$/, '');
  }

  async #flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let text = this.#ready; this.#writer && text !== ''; text = this.#ready) {
        const bytes = this.#encoder.encode(text);
        await this.#withReopening((writer) => writer.write(bytes));
        this.#waiting = this.#waiting.slice(text.length);
        this.#sentBytes += bytes.length;
      }
      if (this.#writer && this.#ended) {
        await this.#withReopening((writer) => writer.close());
        this.#writer = undefined;
      }
    } catch {
      // The program closed its input or exited; its exit code says more.
      this.disconnect();
    } finally {
      this.#busy = false;
    }
  }

  /** Performs an action on the program's input, reopening the input after a failure. */
  async #withReopening(action: (writer: WritableStreamDefaultWriter<Uint8Array>) => Promise<void>): Promise<void> {
    while (this.#writer) {
      try {
        return await action(this.#writer);
      } catch (error) {
        if (!this.#reopen) throw error;
        this.#writer = (await this.#reopen(this.#sentBytes, error)).getWriter();
      }
    }
  }
}
