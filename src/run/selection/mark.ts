/** The maximum length of the numbers of a mark, with its end. Longer ones are the program's own text. */
const MAX_VALUE_CHARS = 40;

/** Removes the marks of an interactive session from its output, even if they are split between chunks. */
export class MarkReader {
  readonly #start: string;
  readonly #onMark: (number: number, status: number) => void;
  #held = '';

  constructor(id: string, onMark: (number: number, status: number) => void) {
    this.#start = `\u001b]7770;${id};`;
    this.#onMark = onMark;
  }

  /** Returns what the process prints after the snippet with this number, with `%s` for its exit status. */
  format(number: number): string {
    return `${this.#start}${number};%s\u0007`;
  }

  /** Passes the text to `write`, and reports each mark after the text before it. */
  feed(text: string, write: (text: string) => void): void {
    let rest = this.#held + text;
    for (let at = rest.indexOf(this.#start); at >= 0; at = rest.indexOf(this.#start)) {
      write(rest.slice(0, at));
      const body = at + this.#start.length;
      const value = rest.slice(body, body + MAX_VALUE_CHARS);
      const end = value.indexOf('\u0007');
      if (end < 0 && value.length < MAX_VALUE_CHARS) {
        this.#held = rest.slice(at);
        return;
      }
      if (end >= 0) {
        const [number, status] = value.slice(0, end).split(';');
        this.#onMark(Number(number), Number(status));
      }
      rest = rest.slice(body + end + 1);
    }
    const held = this.#markStartLength(rest);
    this.#held = rest.slice(rest.length - held);
    write(rest.slice(0, rest.length - held));
  }

  /** Returns the text that was held back. */
  end(): string {
    return this.#held;
  }

  /** Returns how many characters at the end of a text could be the start of a mark. */
  #markStartLength(text: string): number {
    const start = text.lastIndexOf('\u001b');
    return start >= 0 && this.#start.startsWith(text.slice(start)) ? text.length - start : 0;
  }
}
