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

  write(text: string): void {
    this.#waiting += text;
    void this.#flush();
  }

  /** Nothing more will be typed: the program's input ends after what is waiting. */
  end(): void {
    this.#ended = true;
    void this.#flush();
  }

  connect(stdin: WritableStream<Uint8Array>): void {
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
        this.#waiting = '';
        await this.#writer.write(this.#encoder.encode(text));
      }
      if (this.#writer && this.#ended) {
        const writer = this.#writer;
        this.#writer = undefined;
        await writer.close();
      }
    } catch {
      // The program has closed its input or ended; its exit tells the rest.
      this.disconnect();
    } finally {
      this.#busy = false;
    }
  }
}
