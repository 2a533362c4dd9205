import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { bold, dim, red } from '../common/ansi.ts';
import { window } from '../common/window.ts';

/** A terminal that shows the log of a build. Closing it, or pressing Ctrl+C in it, cancels the build. */
export class BuildTerminal implements vscode.Pseudoterminal {
  readonly #write = new vscode.EventEmitter<string>();
  readonly #cancel: () => void;
  readonly #terminal: vscode.Terminal;
  readonly #closing: vscode.Disposable;
  readonly #active = Promise.withResolvers<void>();
  readonly #activation: vscode.Disposable;
  /** The terminal that was active before this one. */
  #previous = vscode.window.activeTerminal;
  #opened = false;
  #waiting = '';
  #atLineStart = true;
  #hasEnded = false;
  #isClosed = false;

  readonly onDidWrite = this.#write.event;

  constructor(name: string, cancel: () => void) {
    this.#cancel = cancel;
    this.#terminal = window.createTerminal({ name, iconPath: new vscode.ThemeIcon('layers'), pty: this });
    // VS Code doesn't call `close` for a terminal that was never shown.
    this.#closing = vscode.window.onDidCloseTerminal((terminal) => terminal === this.#terminal && this.close());
    this.#activation = vscode.window.onDidChangeActiveTerminal((active) => {
      if (active === this.#terminal) this.#active.resolve();
      else if (!this.#hasEnded) this.#previous = active ?? this.#previous;
    });
  }

  /** True once the build has ended, so that the next one may replace the terminal. */
  get isDone(): boolean {
    return this.#hasEnded;
  }

  show(): void {
    if (!this.#isClosed) this.#terminal.show(true);
  }

  /**
   * Shows the terminal that was active before, unless another one has been selected since. Waits until this one is active, because
   * VS Code takes longer to create and show a terminal than to show an existing one.
   */
  async showPrevious(): Promise<void> {
    await this.#active.promise;
    if (vscode.window.activeTerminal === this.#terminal) this.#previous?.show(true);
  }

  dispose(): void {
    this.#closing.dispose();
    this.#activation.dispose();
    this.#terminal.dispose();
  }

  open(): void {
    this.#opened = true;
    this.#text('');
  }

  close(): void {
    this.#closing.dispose();
    this.#activation.dispose();
    this.#isClosed = true;
    if (!this.#hasEnded) this.#cancel();
  }

  handleInput(text: string): void {
    if (text.includes('\u0003') && !this.#hasEnded) this.#cancel();
  }

  /** Writes text of the log, with bold headings. */
  log(text: string): void {
    const styled = text.replace(/^==> .*$/gm, bold);
    this.#text(styled.replaceAll(/\r?\n/g, '\r\n'));
  }

  /** Writes the last line. */
  end(line: string, isSuccess: boolean): void {
    this.#hasEnded = true;
    this.#text(`${this.#atLineStart ? '' : '\r\n'}${(isSuccess ? dim : red)(`● ${cleanLine(line)}`)}\r\n`);
  }

  /** Holds text back until VS Code has opened the terminal, since it would be lost. */
  #text(text: string): void {
    this.#waiting += text;
    if (!this.#opened || this.#waiting === '') return;
    this.#atLineStart = this.#waiting.endsWith('\n');
    this.#write.fire(this.#waiting);
    this.#waiting = '';
  }
}
