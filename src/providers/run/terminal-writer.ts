import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { dim, red } from '../common/ansi.ts';

/** Writes to our terminals: programs' output with our own lines in between. */
export class TerminalWriter {
  readonly #write = new vscode.EventEmitter<string>();
  readonly #onText: (text: string) => void;
  #atLineStart = true;
  #inProgress = false;
  readonly onDidWrite = this.#write.event;

  /** `onText` receives all text except progress. */
  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  status(line: string): void {
    this.#line(dim(`● ${cleanLine(line)}`));
  }

  error(line: string): void {
    this.#line(red(`● ${cleanLine(line)}`));
  }

  /** Shows a line that the next output replaces; `''` removes it. */
  progress(line: string): void {
    if (line === '') {
      this.#endProgress();
      return;
    }
    const start = this.#inProgress ? '\r\u001b[2K' : this.#atLineStart ? '' : '\r\n';
    this.#write.fire(`${start}${dim(`○ ${cleanLine(line)}`)}`);
    this.#atLineStart = true;
    this.#inProgress = true;
  }

  text(text: string): void {
    if (text === '') return;
    this.#endProgress();
    this.#atLineStart = text.endsWith('\n');
    this.#write.fire(text);
    this.#onText(text);
  }

  /** Writes text that starts on a new line. */
  block(text: string): void {
    this.text(`${this.#atLineStart ? '' : '\r\n'}${text}`);
  }

  #line(line: string): void {
    this.block(`${line}\r\n`);
  }

  #endProgress(): void {
    if (this.#inProgress) this.#write.fire('\r\u001b[2K');
    this.#inProgress = false;
  }
}
