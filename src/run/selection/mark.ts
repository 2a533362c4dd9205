/** Takes the marks of a kept process out of its text, also where they come in pieces. */
export class MarkReader {
  readonly #start: string;
  readonly #onMark: (number: number, status: number) => void;
  #held = '';

  constructor(id: string, onMark: (number: number, status: number) => void) {
    this.#start = `\u001b]7770;${id};`;
    this.#onMark = onMark;
  }

  /** What the process prints when it has ended the snippet of this number, with `%s` in the place of the status. */
  format(number: number): string {
    return `${this.#start}${number};%s\u0007`;
  }

  /** Passes the text on to `write`, and tells of each mark when what stood before it has been passed on. */
  feed(text: string, write: (text: string) => void): void {
    let rest = this.#held + text;
    for (let at = rest.indexOf(this.#start); at >= 0; at = rest.indexOf(this.#start)) {
      write(rest.slice(0, at));
      const end = rest.indexOf('\u0007', at);
      if (end < 0) {
        this.#held = rest.slice(at);
        return;
      }
      const [number, status] = rest.slice(at + this.#start.length, end).split(';');
      this.#onMark(Number(number), Number(status));
      rest = rest.slice(end + 1);
    }
    const held = this.#beginningAtEnd(rest);
    this.#held = rest.slice(rest.length - held);
    write(rest.slice(0, rest.length - held));
  }

  /** What was held back. */
  end(): string {
    return this.#held;
  }

  /** How many characters at the end of a text could be the beginning of a mark. */
  #beginningAtEnd(text: string): number {
    const start = text.lastIndexOf('\u001b');
    return start >= 0 && this.#start.startsWith(text.slice(start)) ? text.length - start : 0;
  }
}
