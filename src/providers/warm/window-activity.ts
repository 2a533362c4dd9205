import * as vscode from 'vscode';
import type { Clock } from '../../base/clock.ts';

/** After this time without activity, the next one is reported. */
const IDLE_MS = 60_000;

/** The time of the user's last activity in this window. */
export class WindowActivity implements vscode.Disposable {
  readonly #clock: Clock;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  #activeAt: number;
  /** Fires when the window gets or loses focus, and when the user becomes active again. */
  readonly onDidChange = this.#changed.event;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#activeAt = clock.now();
    const wake = () => this.#wake();
    this.#subscriptions = [
      this.#changed,
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) this.#activeAt = this.#clock.now();
        this.#changed.fire();
      }),
      vscode.window.onDidChangeTextEditorSelection(wake),
      vscode.workspace.onDidChangeTextDocument(wake),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  get isFocused(): boolean {
    return vscode.window.state.focused;
  }

  /** The time since the user was last active, in milliseconds. */
  get idleMs(): number {
    // The clock may have been set back.
    this.#activeAt = Math.min(this.#activeAt, this.#clock.now());
    return this.#clock.now() - this.#activeAt;
  }

  #wake(): void {
    const wasIdle = this.idleMs > IDLE_MS;
    this.#activeAt = this.#clock.now();
    if (wasIdle) this.#changed.fire();
  }
}
