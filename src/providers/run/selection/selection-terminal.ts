import type * as vscode from 'vscode';
import type { TerminalSize } from '../../../run/control.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import type { Interpreter, Snippet } from '../../../run/selection/interpreters.ts';
import { SelectionProcess, type SelectionProcessOptions } from '../../../run/selection/process.ts';
import type { RunServices } from '../../../run/services.ts';
import { describeEnd } from '../../../run/summary.ts';
import { dim } from '../../common/ansi.ts';
import { TerminalWriter } from '../terminal-writer.ts';

/** Of a long selection, only the beginning is repeated in the terminal. */
const MAX_SHOWN_LINES = 12;

/** What a kept process is started with. */
export type SelectionStart = Pick<SelectionProcessOptions, 'request' | 'idleTimeoutMs'>;

export interface SelectionTerminalOptions {
  readonly interpreter: Interpreter;
  readonly services: RunServices;
  onText(text: string): void;
  onClose(): void;
}

/**
 * The pseudo-terminal of one kept process after the other: the first selection starts one, and so does the first after
 * one has ended.
 */
export class SelectionTerminal implements vscode.Pseudoterminal {
  readonly onDidWrite: vscode.Event<string>;
  readonly #options: SelectionTerminalOptions;
  readonly #writer: TerminalWriter;
  readonly #opened = Promise.withResolvers<void>();
  #size: TerminalSize | undefined;
  #process: SelectionProcess | undefined;
  #isClosed = false;

  constructor(options: SelectionTerminalOptions) {
    this.#options = options;
    this.#writer = new TerminalWriter((text) => options.onText(text));
    this.onDidWrite = this.#writer.onDidWrite;
  }

  open(dimensions: vscode.TerminalDimensions | undefined): void {
    if (dimensions) this.setDimensions(dimensions);
    this.#opened.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#opened.resolve();
    this.#process?.cancel();
    this.#options.onClose();
  }

  setDimensions({ columns, rows }: vscode.TerminalDimensions): void {
    this.#size = { columns, rows };
    this.#process?.resize(this.#size);
  }

  handleInput(text: string): void {
    if (this.#process?.isBusy) this.#process.write(text);
    else this.#writer.progress('Select code in the editor and run it; what is typed here goes to code that runs.');
  }

  /** Runs a snippet after those that wait; `start` says what to start where no process is kept. */
  async run(snippet: Snippet, start: SelectionStart): Promise<RunResult> {
    await this.#opened.promise;
    if (this.#isClosed) return CANCELED;
    const result = await this.#running(start).run(snippet);
    // What ended with its process is told with that.
    if (result.outcome !== 'exited' && this.#process) this.#writer.error(describeEnd(result));
    return result;
  }

  /** Ends the process, if there is one, and starts another. */
  async restart(start: SelectionStart): Promise<void> {
    await this.#opened.promise;
    const process = this.#process;
    process?.cancel();
    await process?.ended;
    if (!this.#isClosed) this.#running(start);
  }

  #running(start: SelectionStart): SelectionProcess {
    if (this.#process) return this.#process;
    const { interpreter, services } = this.#options;
    const writer = this.#writer;
    const output = {
      status: (line: string) => writer.status(line),
      progress: (line: string) => writer.progress(line),
      code: (snippet: Snippet) => writer.block(shownCode(snippet, interpreter)),
      text: (text: string) => writer.text(text),
    };
    const process = new SelectionProcess({
      ...start,
      interpreter,
      services,
      output,
      ...(this.#size && { size: this.#size }),
    });
    this.#process = process;
    void process.ended.then((result) => {
      this.#process = undefined;
      const end = describeEnd(result);
      this.#writer.error(`${end}${/[.!?]$/.test(end) ? '' : '.'} The next selection starts ${interpreter.name} anew.`);
    });
    return process;
  }
}

/** The code with the interpreter's prompts before its lines, without the indentation that all of them have. */
function shownCode({ code }: Snippet, { prompts }: Interpreter): string {
  const lines = code.trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const indent = Math.min(...indents);
  const shown = lines.slice(0, MAX_SHOWN_LINES).map((line, at) => `${prompts[at === 0 ? 0 : 1]}${line.slice(indent)}`);
  const more = lines.length - shown.length;
  if (more > 0) shown.push(`${prompts[1]}(${more} more ${more === 1 ? 'line' : 'lines'})`);
  return shown.map((line) => `${dim(line)}\r\n`).join('');
}
