/** Another way to a program's input, from a byte of it on. Throws the error when there is none. */
export type Reopen = (offset: number, error: unknown) => Promise<WritableStream<Uint8Array>>;

/**
 * What is typed into a run. Each write to Modal is one call, so what is typed while one is under way goes out together
 * with the next; what is typed before the program is there waits for it.
 */
export class Stdin {
  readonly #encoder = new TextEncoder();
  #waiting = '';
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #busy = false;
  #ended = false;
  /** Bytes that the program has. */
  #sentBytes = 0;
  #reopen: Reopen | undefined;

  write(text: string): void {
    this.#waiting += text;
    void this.#flush();
  }

  /** Nothing more will be typed: the program's input ends after what is waiting. */
  end(): void {
    this.#ended = true;
    void this.#flush();
  }

  connect(stdin: WritableStream<Uint8Array>, reopen?: Reopen): void {
    this.#reopen = reopen;
    this.#writer = stdin.getWriter();
    void this.#flush();
  }

  /** The program has ended: what is still waiting has no reader. */
  disconnect(): void {
    this.#writer = undefined;
    this.#waiting = '';
  }

  async #flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#writer && this.#waiting !== '') {
        const text = this.#waiting;
        const bytes = this.#encoder.encode(text);
        await this.#tried((writer) => writer.write(bytes));
        this.#waiting = this.#waiting.slice(text.length);
        this.#sentBytes += bytes.length;
      }
      if (this.#writer && this.#ended) {
        await this.#tried((writer) => writer.close());
        this.#writer = undefined;
      }
    } catch {
      // The program has closed its input or ended; its exit tells the rest.
      this.disconnect();
    } finally {
      this.#busy = false;
    }
  }

  /** Does something to the program's input, after a failure to another way to the same input. */
  async #tried(action: (writer: WritableStreamDefaultWriter<Uint8Array>) => Promise<void>): Promise<void> {
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
