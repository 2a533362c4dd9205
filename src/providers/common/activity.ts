import * as vscode from 'vscode';

/** The work in progress, for the status bar. */
export class Activity implements vscode.Disposable {
  readonly #running: string[] = [];
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;

  dispose(): void {
    this.#changed.dispose();
  }

  /** The text of the work that started last; undefined while there is none. */
  get current(): string | undefined {
    return this.#running.at(-1);
  }

  /** Shows a text until the work settles. Resolves and rejects as the work does. */
  async showWhile<T>(text: string, work: Promise<T>): Promise<T> {
    this.#running.push(text);
    this.#changed.fire();
    try {
      return await work;
    } finally {
      this.#running.splice(this.#running.indexOf(text), 1);
      this.#changed.fire();
    }
  }
}
