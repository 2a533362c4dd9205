import type { Sandbox } from 'modal';
import { MINUTE_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { type AnswerLimits, execWith, QUIET_MS } from '../../modal/exec.ts';
import { type Generation, NO_GENERATION } from '../index/generation.ts';
import { checkPreamble } from '../push/run-preamble.ts';
import { strings } from '../strings.ts';
import type { WorkerClient } from '../worker/client.ts';
import { LIST_SCRIPT } from './list-script.ts';
import type { RemoteChanges } from './remote.ts';

const MAX_LIST_ATTEMPTS = 3;
/**
 * A list of everything is compressed if the image can do that. See also `MAX_UNPACKED_BYTES`. Between its first byte, which comes at once,
 * and the next one, `find` may walk through many folders in which nothing has changed.
 */
const LIST_LIMITS: AnswerLimits = {
  maxBytes: 32_000_000,
  timeoutMs: 5 * MINUTE_MS,
  quietMs: 2 * MINUTE_MS,
  firstMs: QUIET_MS,
};
const CHECK_LIMITS: AnswerLimits = { maxBytes: 10_000, timeoutMs: MINUTE_MS };

/** Determines what a sandbox contains, and updates the index. Callers take turns for each sandbox. */
export class RemoteState {
  readonly #worker: WorkerClient;
  readonly #remoteRoot: string;

  constructor(worker: WorkerClient, remoteRoot: string) {
    this.#worker = worker;
    this.#remoteRoot = remoteRoot;
  }

  /** Returns what programs have changed since the last call. */
  async changes(sandbox: Sandbox, signal?: AbortSignal): Promise<RemoteChanges> {
    const worker = this.#worker.sandbox(sandbox.sandboxId);
    const changes = await this.#listed(sandbox, await worker.stamps(), signal, (output) => worker.changes(output));
    return changes === 'drift' ? this.reconcile(sandbox, signal) : changes;
  }

  /** Follows a sandbox that is at another generation: switches to the index of that one, or else asks the sandbox. */
  async follow(sandbox: Sandbox, have: Generation, signal?: AbortSignal): Promise<void> {
    const worker = this.#worker.sandbox(sandbox.sandboxId);
    if (have === NO_GENERATION) await worker.reset();
    else if (!(await worker.adopt(have))) await this.reconcile(sandbox, signal);
  }

  /** Checks that the sandbox is at a generation. If not, follows it and resolves to false. */
  async isAt(sandbox: Sandbox, generation: Generation, signal?: AbortSignal): Promise<boolean> {
    const argv = ['sh', '-c', checkPreamble(this.#remoteRoot, generation)];
    const output = await execWith(sandbox, argv, { signal, ...CHECK_LIMITS });
    const have = /;DRIFT (.*)\u0007/.exec(output.toString())?.[1];
    if (have === undefined) return true;
    await this.follow(sandbox, have, signal);
    return false;
  }

  /** Rebuilds the index from what the sandbox lists. */
  reconcile(sandbox: Sandbox, signal?: AbortSignal): Promise<RemoteChanges> {
    return this.#listed(sandbox, ['all', ''], signal, (output) =>
      this.#worker.sandbox(sandbox.sandboxId).reconcile(output),
    );
  }

  /** Runs the list script until its output is complete. Files that disappear while it runs make it incomplete. */
  async #listed<Changes>(
    sandbox: Sandbox,
    args: readonly string[],
    signal: AbortSignal | undefined,
    take: (output: Buffer) => Promise<Changes | undefined>,
  ): Promise<Changes> {
    const prunedFolders = await this.#worker.sandbox(sandbox.sandboxId).prunedFolders();
    const argv = ['sh', '-c', LIST_SCRIPT, 'modal-list', this.#remoteRoot, ...args, ...prunedFolders];
    for (let attempt = 1; attempt <= MAX_LIST_ATTEMPTS; attempt += 1) {
      const changes = await take(await execWith(sandbox, argv, { signal, ...LIST_LIMITS }));
      if (changes) return changes;
    }
    throw new UserError(strings.listFailed(this.#remoteRoot), { actions: ['retry', 'replaceSandbox'] });
  }
}
