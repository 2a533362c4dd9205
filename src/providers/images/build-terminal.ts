import * as vscode from 'vscode';
import { bold, dim, red } from '../common/ansi.ts';

/** A terminal that shows the log of a build. Closing it, or Ctrl+C in it, cancels the build. */
export class BuildTerminal implements vscode.Pseudoterminal {
  readonly #write = new vscode.EventEmitter<string>();
  readonly #cancel: () => void;
  readonly #terminal: vscode.Terminal;
  readonly #closing: vscode.Disposable;
  #opened = false;
  #waiting = '';
  #atLineStart = true;
  #hasEnded = false;
  #isClosed = false;

  readonly onDidWrite = this.#write.event;

  constructor(name: string, cancel: () => void) {
    this.#cancel = cancel;
    this.#terminal = vscode.window.createTerminal({ name, iconPath: new vscode.ThemeIcon('layers'), pty: this });
    // A terminal that was never in front is not told by its own `close` that it has gone.
    this.#closing = vscode.window.onDidCloseTerminal((terminal) => terminal === this.#terminal && this.close());
  }

  /** Whether its build has ended, so that another one may take its place. */
  get isDone(): boolean {
    return this.#hasEnded;
  }

  show(): void {
    if (!this.#isClosed) this.#terminal.show(true);
  }

  dispose(): void {
    this.#closing.dispose();
    this.#terminal.dispose();
  }

  open(): void {
    this.#opened = true;
    this.#text('');
  }

  close(): void {
    this.#closing.dispose();
    this.#isClosed = true;
    if (!this.#hasEnded) this.#cancel();
  }

  handleInput(text: string): void {
    if (text.includes('\u0003') && !this.#hasEnded) this.#cancel();
  }

  /** Text of the log; headings stand out. */
  log(text: string): void {
    const styled = text.replace(/^==> .*$/gm, bold);
    this.#text(styled.replaceAll(/\r?\n/g, '\r\n'));
  }

  /** The last line. */
  end(line: string, isFine: boolean): void {
    this.#hasEnded = true;
    this.#text(`${this.#atLineStart ? '' : '\r\n'}${(isFine ? dim : red)(`● ${line}`)}\r\n`);
  }

  /** What comes before VS Code has opened the terminal would be lost. */
  #text(text: string): void {
    this.#waiting += text;
    if (!this.#opened || this.#waiting === '') return;
    this.#atLineStart = this.#waiting.endsWith('\n');
    this.#write.fire(this.#waiting);
    this.#waiting = '';
  }
}
