import type { TerminalSize } from './control.ts';
import { LineInput } from './line-input.ts';

/** The part of a run that its terminal controls. */
export interface RunControls {
  write(text: string): void;
  endInput(): void;
  resize(size: TerminalSize): void;
  cancel(): void;
}

const INTERRUPT = '\u0003';

/**
 * The keyboard and the size of a run's terminal. The terminal is open before its run exists, so what comes until then is
 * kept: text for the program, Ctrl+C as the run's end, and the latest size.
 */
export class RunInput {
  readonly #echo: (text: string) => void;
  readonly #cancel = new AbortController();
  #waiting = '';
  #size: TerminalSize | undefined;
  #run: RunControls | undefined;
  #lines: LineInput | undefined;

  /** `echo` shows what is typed for a program without a terminal. */
  constructor(echo: (text: string) => void) {
    this.#echo = echo;
  }

  /** Aborted when the run is canceled, maybe before it exists. */
  get signal(): AbortSignal {
    return this.#cancel.signal;
  }

  /** The latest size of the terminal; undefined while it has none because it's hidden. */
  get size(): TerminalSize | undefined {
    return this.#size;
  }

  /** Takes typed or pasted text. */
  write(text: string): void {
    if (this.#lines) this.#lines.write(text);
    else if (this.#run) this.#run.write(text);
    else if (text.includes(INTERRUPT)) this.cancel();
    else this.#waiting += text;
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#run?.resize(size);
  }

  cancel(): void {
    this.#cancel.abort();
    this.#run?.cancel();
  }

  /** Passes everything on to a run from now on. Without a terminal (`pty`), text becomes lines. */
  connect(run: RunControls, { pty }: { readonly pty: boolean }): void {
    this.#run = run;
    if (!pty) {
      this.#lines = new LineInput({
        echo: this.#echo,
        send: (text) => run.write(text),
        end: () => run.endInput(),
        interrupt: () => this.cancel(),
      });
    }
    if (this.signal.aborted) run.cancel();
    else if (this.#waiting !== '') this.write(this.#waiting);
    this.#waiting = '';
  }
}
