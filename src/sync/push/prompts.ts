import type { PreparedPush } from './prepared.ts';
import { type Ask, questionsFor, type SyncQuestion, SyncStopped } from './questions.ts';

/** What to do with files that a program in the sandbox changed. */
export type OnRemoteChange = 'replace' | 'keep' | 'ask';

/** The questions of one push or run: each is put once, also when the push takes several attempts. */
export class SyncPrompts {
  readonly #ask: Ask | undefined;
  readonly #onRemoteChange: OnRemoteChange;
  readonly #signal: AbortSignal | undefined;
  readonly #agreed = new Set<string>();
  readonly #keep = new Set<string>();
  readonly #replaced = new Set<string>();

  constructor(ask: Ask | undefined, onRemoteChange: OnRemoteChange = 'replace', signal?: AbortSignal) {
    this.#ask = ask;
    this.#onRemoteChange = onRemoteChange;
    this.#signal = signal;
  }

  /** Paths to leave as they are in the sandbox. */
  get keep(): readonly string[] {
    return [...this.#keep];
  }

  /** Paths where a program's change is overwritten. */
  get replaced(): readonly string[] {
    return [...this.#replaced];
  }

  /** Puts what must be asked about a plan. True when `keep` grew, so that the plan is to be made again. Throws `SyncStopped`. */
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

  /** Throws `SyncStopped` without a yes. */
  async require(question: SyncQuestion): Promise<void> {
    const key = question.kind === 'mass-deletion' ? `${question.kind} ${question.deletes}` : question.kind;
    if (this.#agreed.has(key)) return;
    if (!(await this.#answer(question))) throw new SyncStopped(question);
    this.#agreed.add(key);
  }

  async #answer(question: SyncQuestion): Promise<boolean> {
    const yes = (await this.#ask?.(question)) === true;
    this.#signal?.throwIfAborted();
    return yes;
  }
}
