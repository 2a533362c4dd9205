import type * as vscode from 'vscode';
import { cleanText } from '../../../base/text.ts';
import type { TerminalSize } from '../../../run/control.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import type { Interpreter, Snippet } from '../../../run/selection/interpreters.ts';
import { SelectionProcess, type SelectionProcessOptions } from '../../../run/selection/process.ts';
import type { RunServices } from '../../../run/services.ts';
import { describeEnd } from '../../../run/summary.ts';
import { dim } from '../../common/ansi.ts';
import { strings } from '../strings.ts';
import { TerminalWriter } from '../terminal-writer.ts';

/** The maximum number of lines of a selection that are repeated in the terminal. */
const MAX_SHOWN_LINES = 12;

/** The maximum length of such a line. */
const MAX_SHOWN_CHARS = 500;

/** The options for starting a persistent process. */
export type SelectionStart = Pick<SelectionProcessOptions, 'request' | 'idleTimeoutMs'>;

export interface SelectionTerminalOptions {
  readonly interpreter: Interpreter;
  readonly services: RunServices;
  onText(text: string): void;
  onClose(): void;
}

/**
 * The pseudoterminal of an interactive session. It runs one persistent process at a time: the first selection starts one,
 * and so does the first selection after it has ended.
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
    else this.#writer.progress(strings.selectionHint());
  }

  /** Runs a snippet after those in the queue. `start` is used if no process is running. */
  async run(snippet: Snippet, start: SelectionStart): Promise<RunResult> {
    await this.#opened.promise;
    if (this.#isClosed) return CANCELED;
    const result = await this.#running(start).run(snippet);
    // If the process has ended, its end is shown instead.
    if (result.outcome !== 'exited' && this.#process) this.#writer.error(describeEnd(result));
    return result;
  }

  /** Stops the process, if there is one, and starts a new one. */
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
      const end = describeEnd(result).replace(/(?<![.!?])$/, '.');
      this.#writer.error(`${end} ${strings.nextSelection(interpreter.name)}`);
    });
    return process;
  }
}

/** Formats code with the interpreter's prompts in front of its lines, without their common indentation. */
function shownCode({ code }: Snippet, { prompts }: Interpreter): string {
  const lines = code.trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const indent = Math.min(...indents);
  const shown = lines.slice(0, MAX_SHOWN_LINES).map((line, at) => `${prompts[at === 0 ? 0 : 1]}${line.slice(indent)}`);
  const more = lines.length - shown.length;
  if (more > 0) shown.push(`${prompts[1]}${strings.moreLines(more)}`);
  return shown.map((line) => `${dim(cleanText(line, MAX_SHOWN_CHARS))}\r\n`).join('');
}
