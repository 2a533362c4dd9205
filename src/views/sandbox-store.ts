import * as vscode from 'vscode';
import { explainError } from '../modal/errors.ts';
import { listSandboxes, type SandboxSummary } from '../modal/sandboxes.ts';
import type { Sessions } from '../session/sessions.ts';

const POLL_MS = 5_000;
const MAX_POLL_MS = 60_000;

/** The account's running sandboxes. Asks only while something shows them, one call at a time, slower after failures. */
export class SandboxStore implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #watched = false;
  #timer: NodeJS.Timeout | undefined;
  #loading: Promise<void> | undefined;
  #stale = false;
  #failures = 0;
  /** Newest first; absent before the first answer. */
  sandboxes: readonly SandboxSummary[] | undefined;
  /** Why the last look failed. */
  error: string | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  dispose(): void {
    this.watch(false);
    this.#changed.dispose();
  }

  /** Starts or stops keeping the list up to date. */
  watch(watched: boolean): void {
    this.#watched = watched;
    clearTimeout(this.#timer);
    if (watched) void this.refresh();
  }

  /** Asks again, if anybody looks; a call while one is under way makes one more follow. */
  async refresh(): Promise<void> {
    if (!this.#watched) return;
    if (this.#loading) {
      this.#stale = true;
      return this.#loading;
    }
    this.#loading = this.#load();
    await this.#loading;
    this.#loading = undefined;
    if (this.#stale) {
      this.#stale = false;
      return this.refresh();
    }
    clearTimeout(this.#timer);
    if (this.#watched) {
      this.#timer = setTimeout(() => void this.refresh(), Math.min(POLL_MS * 2 ** this.#failures, MAX_POLL_MS));
    }
  }

  async #load(): Promise<void> {
    const before = JSON.stringify([this.sandboxes, this.error]);
    try {
      const { client, app } = await this.#sessions.connection();
      this.sandboxes = await listSandboxes(client, app);
      this.error = undefined;
      this.#failures = 0;
    } catch (error) {
      this.error = explainError(error);
      this.#failures += 1;
    }
    if (JSON.stringify([this.sandboxes, this.error]) !== before) this.#changed.fire();
  }
}
