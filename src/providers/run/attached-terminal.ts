import * as vscode from 'vscode';
import { formatBytes } from '../../base/text.ts';
import { type DetachedRun, type DetachedRuns, resultOf } from '../../run/detached/detached-runs.ts';
import { failureOf, type RunResult } from '../../run/result.ts';
import { strings as runStrings } from '../../run/strings.ts';
import { summaryOf } from '../../run/summary.ts';
import { strings } from './strings.ts';
import { TerminalWriter } from './terminal-writer.ts';

const INTERRUPT = '\u0003';

/** Shows a detached run from its beginning to its end. Ctrl+C stops its program; closing the terminal doesn't. */
export class AttachedTerminal implements vscode.Pseudoterminal {
  readonly #run: DetachedRun;
  readonly #runs: DetachedRuns;
  readonly #writer: TerminalWriter;
  readonly #close = new vscode.EventEmitter<number>();
  readonly #closed = new AbortController();
  #hasEnded = false;
  readonly onDidWrite: vscode.Event<string>;
  readonly onDidClose = this.#close.event;

  constructor(run: DetachedRun, runs: DetachedRuns, onText: (runId: string, text: string) => void) {
    this.#run = run;
    this.#runs = runs;
    this.#writer = new TerminalWriter((text) => onText(run.id, text));
    this.onDidWrite = this.#writer.onDidWrite;
  }

  open(): void {
    void this.#show();
  }

  close(): void {
    this.#closed.abort();
  }

  handleInput(text: string): void {
    if (this.#hasEnded) this.#close.fire(0);
    else if (text.includes(INTERRUPT)) this.#runs.stop(this.#run).catch((error) => this.#fail(error));
  }

  async #show(): Promise<void> {
    const decoder = new TextDecoder();
    const show = (text: string) => this.#writer.text(text.replaceAll(/\r?\n/g, '\r\n'));
    this.#writer.progress(strings.attaching());
    try {
      const end = await this.#runs.view(this.#run, {
        signal: this.#closed.signal,
        output: (bytes) => show(decoder.decode(bytes, { stream: true })),
        gap: (bytes) => this.#writer.status(runStrings.skippedOutput(formatBytes(bytes))),
      });
      show(decoder.decode());
      this.#end(resultOf(this.#run, end));
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#end(failureOf(error));
    }
  }

  #end(result: RunResult): void {
    this.#hasEnded = true;
    const { outcome, exitCode } = result;
    if (outcome === 'exited' && exitCode === 0) this.#writer.status(summaryOf(result));
    else this.#writer.error(summaryOf(result));
    this.#writer.status(strings.pressAnyKey());
  }

  #fail(error: unknown): void {
    this.#writer.error(summaryOf(failureOf(error)));
  }
}
