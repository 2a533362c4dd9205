import type { PreparedPush } from './prepared.ts';
import { type Ask, questionsFor, type SyncQuestion, SyncStopped } from './questions.ts';

/** What to do with files that a program changed in the sandbox. */
export type OnRemoteChange = 'replace' | 'keep' | 'ask';

/** The questions of one push or run. Each is asked once, even if the push takes several attempts. */
export class SyncPrompts {
  readonly #ask: Ask | undefined;
  readonly #onRemoteChange: OnRemoteChange;
  readonly #signal: AbortSignal | undefined;
  readonly #confirmed = new Set<string>();
  readonly #keep = new Set<string>();
  readonly #replaced = new Set<string>();

  constructor(ask: Ask | undefined, onRemoteChange: OnRemoteChange = 'replace', signal?: AbortSignal) {
    this.#ask = ask;
    this.#onRemoteChange = onRemoteChange;
    this.#signal = signal;
  }

  /** Paths to leave unchanged in the sandbox. */
  get keep(): readonly string[] {
    return [...this.#keep];
  }

  /** Paths where a program's change is overwritten. */
  get replaced(): readonly string[] {
    return [...this.#replaced];
  }

  /**
   * Asks what must be asked about a plan. Resolves to true if `keep` has grown, so that the push must be planned again.
   * Throws `SyncStopped`.
   */
  async confirm(plan: PreparedPush): Promise<boolean> {
    for (const question of questionsFor(plan)) await this.require(question);
    const paths = plan.overwrites.filter((path) => !this.#keep.has(path) && !this.#replaced.has(path));
    if (paths.length === 0) return false;
    const replaces =
      this.#onRemoteChange === 'ask'
        ? await this.#answer({ kind: 'remote-changes', paths })
        : this.#onRemoteChange === 'replace';
    for (const path of paths) (replaces ? this.#replaced : this.#keep).add(path);
    return !replaces;
  }

  /** Asks a question unless it was answered before. Throws `SyncStopped` if the answer isn't yes. */
  async require(question: SyncQuestion): Promise<void> {
    const key = question.kind === 'mass-deletion' ? `${question.kind} ${question.deletes}` : question.kind;
    if (this.#confirmed.has(key)) return;
    if (!(await this.#answer(question))) throw new SyncStopped(question);
    this.#confirmed.add(key);
  }

  async #answer(question: SyncQuestion): Promise<boolean> {
    const yes = (await this.#ask?.(question)) === true;
    this.#signal?.throwIfAborted();
    return yes;
  }
}
