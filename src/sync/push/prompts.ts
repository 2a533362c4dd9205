import type { PushOptions } from '../options.ts';
import { isWithinApproval, type SyncConsent } from './consent.ts';
import type { PreparedPush } from './prepared.ts';
import { type Ask, MAX_NAMED, type OnRemoteChange, questionsFor, type SyncQuestion, SyncStopped } from './questions.ts';

/** The answers after which files in the sandbox may be lost. */
const LOSSES: readonly SyncQuestion['kind'][] = ['mass-deletion', 'remote-changes', 'mirror'];

export interface SyncPromptOptions extends Pick<PushOptions, 'onRemoteChange' | 'signal' | 'consent'> {
  /** Called once, after the first answer that lets files in the sandbox be deleted or overwritten. */
  beforeLoss?(): Promise<void>;
}

/** The questions of one push or run. Each is asked once, even if the push takes several attempts. */
export class SyncPrompts {
  readonly #ask: Ask | undefined;
  readonly #onRemoteChange: OnRemoteChange;
  readonly #signal: AbortSignal | undefined;
  readonly #consent: SyncConsent | undefined;
  readonly #beforeLoss: (() => Promise<void>) | undefined;
  #hasSaved = false;
  readonly #confirmed = new Set<string>();
  /** Paths of credentials that this push has asked about. */
  readonly #decided = new Set<string>();
  readonly #withheld = new Set<string>();
  readonly #keep = new Set<string>();
  readonly #replaced = new Set<string>();

  constructor(
    ask: Ask | undefined,
    { onRemoteChange = 'replace', signal, consent, beforeLoss }: SyncPromptOptions = {},
  ) {
    this.#ask = ask;
    this.#consent = consent;
    this.#beforeLoss = beforeLoss;
    this.#onRemoteChange = onRemoteChange;
    this.#signal = signal;
  }

  /** Paths to leave unchanged in the sandbox. */
  get keep(): readonly string[] {
    return [...this.#keep, ...this.#withheld];
  }

  /** Paths that aren't sent, because they look like credentials and the user hasn't allowed them. */
  get withheld(): readonly string[] {
    return [...this.#withheld];
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
    const hasWithheld = await this.#confirmSending(plan);
    const paths = plan.overwrites.filter((path) => !this.keep.includes(path) && !this.#replaced.has(path));
    if (paths.length === 0) return hasWithheld;
    const replaces =
      this.#onRemoteChange === 'ask'
        ? await this.#answer({ kind: 'remote-changes', paths })
        : this.#onRemoteChange === 'replace';
    for (const path of paths) (replaces ? this.#replaced : this.#keep).add(path);
    return hasWithheld || !replaces;
  }

  /** Asks about what is sent. Resolves to true if something is withheld that was planned to be sent. */
  async #confirmSending(plan: PreparedPush): Promise<boolean> {
    const consent = this.#consent;
    const answers = (await consent?.credentials()) ?? new Map<string, boolean>();
    const undecided = plan.credentialsToConfirm.filter((path) => !answers.has(path));
    const withheldBefore = this.#withheld.size;
    for (const path of plan.credentialsToConfirm) if (answers.get(path) === false) this.#withheld.add(path);
    const sent = plan.namedCredentials.filter((path) => !this.#withheld.has(path));
    const areNamed = sent.length <= MAX_NAMED;
    const named = areNamed ? sent : sent.filter((path) => !undecided.includes(path));
    for (const question of questionsFor(plan, await isApproved(plan, consent), named)) {
      const isAnswered = await this.require(question);
      if (!isAnswered || question.kind !== 'first-sync') continue;
      await consent?.approve(plan.putBytes);
      if (areNamed) await this.#decide(undecided, true);
    }
    await this.#askAboutCredentials(undecided);
    return this.#withheld.size > withheldBefore;
  }

  async #askAboutCredentials(paths: readonly string[]): Promise<void> {
    const open = paths.filter((path) => !this.#decided.has(path));
    for (let at = 0; at < open.length; at += MAX_NAMED) {
      const part = open.slice(at, at + MAX_NAMED);
      const answer = await this.#answer({ kind: 'credentials', paths: part });
      if (answer !== undefined) await this.#decide(part, answer);
      else for (const path of part) this.#withheld.add(path);
    }
  }

  async #decide(paths: readonly string[], isAllowed: boolean): Promise<void> {
    for (const path of paths) {
      this.#decided.add(path);
      if (!isAllowed) this.#withheld.add(path);
    }
    if (paths.length > 0) await this.#consent?.answerCredentials(paths, isAllowed);
  }

  /** Asks a question. Resolves to false if it was answered before. Throws `SyncStopped` if the answer isn't yes. */
  async require(question: SyncQuestion): Promise<boolean> {
    const key = question.kind === 'mass-deletion' ? `${question.kind} ${question.deletes}` : question.kind;
    if (this.#confirmed.has(key)) return false;
    if (!(await this.#answer(question))) throw new SyncStopped(question);
    this.#confirmed.add(key);
    return true;
  }

  /** Resolves with undefined if there is no one to ask, or no answer. */
  async #answer(question: SyncQuestion): Promise<boolean | undefined> {
    const answer = await this.#ask?.(question);
    this.#signal?.throwIfAborted();
    if (answer && LOSSES.includes(question.kind) && !this.#hasSaved) {
      this.#hasSaved = true;
      await this.#beforeLoss?.();
      this.#signal?.throwIfAborted();
    }
    return answer;
  }
}

async function isApproved({ putBytes }: PreparedPush, consent: SyncConsent | undefined): Promise<boolean> {
  if (!consent || consent.isLocal) return consent !== undefined;
  const approvedBytes = await consent.approvedBytes();
  return approvedBytes !== undefined && isWithinApproval(putBytes, approvedBytes);
}
