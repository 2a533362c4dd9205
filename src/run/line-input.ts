const Key = {
  backspace: '\b',
  delete: '\u007f',
  endOfInput: '\u0004',
  eraseLine: '\u0015',
  eraseWord: '\u0017',
  escape: '\u001b',
  interrupt: '\u0003',
  newline: '\n',
  quit: '\u001c',
  return: '\r',
  tab: '\t',
} as const;

const TAB = ' '.repeat(4);
const graphemes = new Intl.Segmenter();
/** Characters that take two columns: those of East Asia, and emoji. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}/u;

/** What lines are for. */
export interface LineInputListener {
  /** Shows typed text, or removes it. */
  echo(text: string): void;
  /** Receives a line, with its end. */
  send(text: string): void;
  /** Ctrl+D was pressed at the start of a line. */
  end(): void;
  /** Ctrl+C was pressed. */
  interrupt(): void;
}

/**
 * Turns the keys of a terminal into lines for a program that has none, as a terminal's driver does: typed text is shown,
 * can be corrected, and is sent with Enter. The arrow keys do nothing.
 */
export class LineInput {
  readonly #listener: LineInputListener;
  #line = '';
  #endsWithReturn = false;
  #hasEnded = false;
  /** The start of a key's sequence, or of a character, whose rest comes with the next text. */
  #incomplete = '';

  constructor(listener: LineInputListener) {
    this.#listener = listener;
  }

  /** Takes typed or pasted text. */
  write(text: string): void {
    let rest = this.#incomplete + text;
    this.#incomplete = '';
    while (rest !== '') {
      const length = this.#hasEnded && rest[0] !== Key.interrupt ? 1 : this.#take(rest);
      if (length === 0) {
        this.#incomplete = rest;
        return;
      }
      rest = rest.slice(length);
    }
  }

  /** Takes the first key, or as much text as there is. Returns its length, or 0 if its end is missing. */
  #take(text: string): number {
    const key = text[0] ?? '';
    const followsReturn = this.#endsWithReturn;
    this.#endsWithReturn = key === Key.return;
    switch (key) {
      case Key.newline:
        if (!followsReturn) this.#send('\r\n', `${this.#line}\n`);
        return 1;
      case Key.return:
        this.#send('\r\n', `${this.#line}\n`);
        return 1;
      case Key.interrupt:
      case Key.quit:
        this.#line = '';
        this.#listener.echo(`${shown(key)}\r\n`);
        this.#listener.interrupt();
        return 1;
      case Key.endOfInput:
        if (this.#line !== '') this.#send('', this.#line);
        else {
          this.#hasEnded = true;
          this.#listener.end();
        }
        return 1;
      case Key.backspace:
      case Key.delete:
        this.#erase(this.#line.length - ([...graphemes.segment(this.#line)].at(-1)?.index ?? 0));
        return 1;
      case Key.eraseWord:
        this.#erase(/\S*\s*$/.exec(this.#line)?.[0].length ?? 0);
        return 1;
      case Key.eraseLine:
        this.#erase(this.#line.length);
        return 1;
      case Key.escape:
        return sequenceLength(text);
    }
    return this.#add(text);
  }

  #send(echo: string, line: string): void {
    this.#line = '';
    this.#listener.echo(echo);
    this.#listener.send(line);
  }

  #erase(length: number): void {
    const kept = this.#line.slice(0, this.#line.length - length);
    const columns = columnsOf(shown(this.#line.slice(kept.length)));
    this.#line = kept;
    if (columns > 0) this.#listener.echo(`${'\b'.repeat(columns)}${' '.repeat(columns)}${'\b'.repeat(columns)}`);
  }

  #add(text: string): number {
    let length = isControl(text[0] ?? '') ? 1 : 0;
    if (length === 0) while (length < text.length && !isControl(text[length] ?? '')) length += 1;
    // The other half of a character comes with the next event.
    if (length === text.length && /[\ud800-\udbff]$/.test(text)) length -= 1;
    const added = text.slice(0, length);
    this.#line += added;
    if (added !== '') this.#listener.echo(shown(added));
    return length;
  }
}

const isControl = (char: string) => char < ' ' || char === Key.delete;

/** Returns how typed text is shown: control characters as `^X`. */
function shown(text: string): string {
  if (text === Key.tab) return TAB;
  return Array.from(text, (char) => {
    if (char === Key.tab) return TAB;
    return isControl(char) ? `^${String.fromCharCode(char.charCodeAt(0) + 64)}` : char;
  }).join('');
}

function columnsOf(text: string): number {
  return Array.from(graphemes.segment(text), ({ segment }) => (WIDE.test(segment) ? 2 : 1)).reduce<number>(
    (sum, columns) => sum + columns,
    0,
  );
}

/**
 * Returns the length of a key's escape sequence, such as an arrow key's or the marks around pasted text; 0 if its end is
 * missing. Escape alone is a key, too.
 */
function sequenceLength(text: string): number {
  if (text.length === 1) return 1;
  if (text[1] === 'O') return text.length < 3 ? 0 : 3;
  if (text[1] !== '[') return 2;
  for (let at = 2; at < text.length; at += 1) if ((text[at] ?? '') >= '@' && (text[at] ?? '') <= '~') return at + 1;
  return 0;
}
