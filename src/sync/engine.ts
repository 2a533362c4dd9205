import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { type PreparedRun, type PushOptions, type PushResult, REMOTE_ROOT, type SyncEngineOptions } from './options.ts';
import { Puller, type PullRequest, type PullResult } from './pull/puller.ts';
import type { Reply } from './push/apply-script.ts';
import { Link } from './push/connection.ts';
import type { PreparedPush, PrepareRequest, SizedFile } from './push/prepared.ts';
import { SyncPrompts } from './push/prompts.ts';
import { requireSyncableRoot } from './push/questions.ts';
import { replyError } from './push/reply-error.ts';
import { applyPreamble, checkPreamble, type RunSyncOutcome } from './push/run-preamble.ts';
import { Sender } from './push/sender.ts';
import type { RemoteChanges } from './remote/remote.ts';
import { RemoteState } from './remote/remote-state.ts';
import type { Explanation } from './rules/rules.ts';
import type { Skipped } from './scan/scan.ts';
import { WorkerClient } from './worker/client.ts';

export type { PreparedRun, PushOptions, PushResult, SyncEngineOptions, SyncProgress } from './options.ts';

/** Argument vectors are limited to 65,536 characters in all; in base64 this leaves room for the script and the command. */
const MAX_INLINE_BYTES = 30 * 1024;
const MAX_ATTEMPTS = 6;
/** Longest wait for the outcome of a prepared run: its start, and a shell that takes in a few kilobytes. */
const SETTLE_MS = 120_000;

/**
 * Keeps a folder in a sandbox equal to a local one. One engine for each folder; it works for any number of sandboxes,
 * one push at a time in each. All methods throw `UserError` with a next step, `SyncStopped` for a question without a
 * yes, the SDK's errors, and the signal's reason within 200 ms.
 */
export class SyncEngine {
  readonly remoteRoot: string;
  readonly #options: SyncEngineOptions;
  readonly #worker: WorkerClient;
  readonly #sender: Sender;
  readonly #remote: RemoteState;
  #pulls: Promise<unknown> = Promise.resolve();

  constructor(options: SyncEngineOptions) {
    this.#options = options;
    this.remoteRoot = posix.normalize(options.remoteRoot ?? REMOTE_ROOT);
    const { root, storageDir, rules = {}, compression, worker } = options;
    this.#worker = new WorkerClient({ root, storageDir, rules, remoteRoot: this.remoteRoot }, worker);
    this.#sender = new Sender(this.#worker, this.remoteRoot, compression);
    this.#remote = new RemoteState(this.#worker, this.remoteRoot);
  }

  /** Starts the thread, so that the first sync need not wait for it. */
  warmUp(): void {
    this.#worker.start();
  }

  /** Ends the thread, and what is kept in sandboxes for saved files. */
  dispose(): Promise<void> {
    this.#sender.dispose();
    return this.#worker.dispose();
  }

  /** What a push to a sandbox would do; without one, what a first sync would send. Sends nothing. */
  async status(sandbox?: Sandbox, options: PushOptions = {}): Promise<PreparedPush> {
    requireSyncableRoot(this.#options.root);
    const { paths } = options;
    const request = { sandboxId: sandbox?.sandboxId ?? 'status', fresh: sandbox === undefined, paths };
    return this.#prepare(request, options, 'survey');
  }

  /** Why paths are synced or not, with the deciding rule. */
  explain(paths: readonly string[]): Promise<Explanation[]> {
    return this.#worker.call('explain', [paths]);
  }

  /** Makes the sandbox's folder equal to the local one. */
  push(sandbox: Sandbox, options: PushOptions = {}): Promise<PushResult> {
    return Link.of(sandbox).queued(options.signal, () => this.#push(sandbox, options, this.#prompts(options)));
  }

  /**
   * Prepares a run: a change that is small travels with the run's own command, a larger one is pushed first, and no
   * change costs nothing. Holds the sandbox's queue until `settle` is called.
   */
  prepareRun(sandbox: Sandbox, options: PushOptions = {}): Promise<PreparedRun> {
    return new Promise((resolve, reject) => {
      Link.of(sandbox)
        .queued(options.signal, async () => {
          const { settle, ...run } = await this.#prepareRun(sandbox, options);
          // Nothing else is synced until the outcome is known, so a caller that forgets must not stop everything.
          await new Promise<void>((release) => {
            const late = setTimeout(() => void once({ kind: 'unknown' }), SETTLE_MS).unref();
            let outcome: Promise<PushResult | undefined> | undefined;
            const once = (said: RunSyncOutcome) => {
              clearTimeout(late);
              outcome ??= settle(said).finally(release);
              return outcome;
            };
            resolve({ ...run, settle: once });
          });
        })
        .catch(reject);
    });
  }

  /** What programs changed in the sandbox since it was last asked. Cheap enough to ask after every run. */
  remoteChanges(sandbox: Sandbox, options: Pick<PushOptions, 'signal'> = {}): Promise<RemoteChanges> {
    return Link.of(sandbox).queued(options.signal, () => this.#remote.changes(sandbox, options.signal));
  }

  /** Files that only the sandbox has and no rule leaves out: what `mirror` would delete. */
  mirrorPreview(sandbox: Sandbox, options: Pick<PushOptions, 'signal'> = {}): Promise<readonly string[]> {
    return Link.of(sandbox).queued(
      options.signal,
      async () => (await this.#remote.reconcile(sandbox, options.signal)).created,
    );
  }

  /** Pushes, and deletes what `mirrorPreview` named. Asks once more, with the list. */
  mirror(sandbox: Sandbox, extras: readonly string[], options: PushOptions = {}): Promise<PushResult> {
    return Link.of(sandbox).queued(options.signal, async () => {
      const prompts = this.#prompts(options);
      if (extras.length > 0) await prompts.require({ kind: 'mirror', extras });
      return this.#push(sandbox, options, prompts, extras);
    });
  }

  /** Brings files back. See `PullRequest`. */
  pull(sandbox: Sandbox, request: PullRequest): Promise<PullResult> {
    return Link.of(sandbox).queued(request.signal, () =>
      this.#pullAlone(() =>
        new Puller(this.#worker, this.remoteRoot, request.ask ?? this.#options.ask).pull(sandbox, request),
      ),
    );
  }

  #prompts({ ask, onRemoteChange, signal }: PushOptions): SyncPrompts {
    return new SyncPrompts(ask ?? this.#options.ask, onRemoteChange, signal);
  }

  /** The worker takes in one archive at a time, whatever sandbox it comes from. */
  #pullAlone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#pulls.then(work);
    this.#pulls = turn.catch(() => {});
    return turn;
  }

  async #prepareRun(sandbox: Sandbox, options: PushOptions): Promise<PreparedRun> {
    const startedAt = performance.now();
    requireSyncableRoot(this.#options.root);
    const request: PrepareRequest = {
      sandboxId: sandbox.sandboxId,
      fresh: options.fresh ?? false,
      paths: options.paths,
      maxFileBytes: options.maxFileBytes,
    };
    const prompts = this.#prompts(options);
    let plan = await this.#prepare(request, options);
    if (await prompts.confirm(plan)) plan = await this.#prepare({ ...request, keep: prompts.keep }, options);
    let result: PushResult | undefined;
    if (!plan.isEmpty || plan.isFirst || plan.isUnsettled) {
      const inline =
        plan.isFirst || plan.isUnsettled ? undefined : await this.#inline(sandbox, plan, startedAt, prompts);
      if (inline) return inline;
      result = await this.#push(sandbox, options, prompts);
      plan = await this.#prepare({ ...request, keep: prompts.keep }, options);
    } else await this.#worker.call('confirm', [sandbox.sandboxId]);
    const synced = result ?? resultOf(plan, startedAt);
    return {
      script: checkPreamble(this.remoteRoot, plan.generation),
      settle: async (outcome) => {
        if (outcome.kind === 'drift') await this.#remote.follow(sandbox, outcome.have);
        return outcome.kind === 'same' ? synced : undefined;
      },
    };
  }

  async #inline(
    sandbox: Sandbox,
    plan: PreparedPush,
    startedAt: number,
    prompts: SyncPrompts,
  ): Promise<PreparedRun | undefined> {
    const { next, accept, neededKiB } = await this.#worker.call('open', [sandbox.sandboxId]);
    const payload = await this.#worker.call('inline', [sandbox.sandboxId, MAX_INLINE_BYTES]);
    if (!payload) {
      await this.#worker.call('withdraw', [sandbox.sandboxId]);
      return undefined;
    }
    const args = [this.remoteRoot, next, String(neededKiB), ...accept];
    const synced = resultOf(plan, startedAt);
    return {
      script: applyPreamble(args, Buffer.from(payload).toString('base64')),
      settle: async (outcome) => {
        if (outcome.kind === 'ok') {
          const { files, bytes } = await this.#worker.call('commit', [sandbox.sandboxId]);
          const { replaced } = prompts;
          return { ...synced, files, bytes, deleted: plan.deletes, replaced, writtenThrough: outcome.writtenThrough };
        }
        if (outcome.kind === 'unknown' || outcome.kind === 'same')
          await this.#worker.call('abandon', [sandbox.sandboxId]);
        else await this.#afterFailure(sandbox, outcome);
        return undefined;
      },
    };
  }

  async #push(
    sandbox: Sandbox,
    options: PushOptions,
    prompts: SyncPrompts,
    alsoDelete: readonly string[] = [],
  ): Promise<PushResult> {
    const startedAt = performance.now();
    requireSyncableRoot(this.#options.root);
    const { sandboxId } = sandbox;
    const released = new Set<string>();
    const writtenThrough = new Set<string>();
    const large = new Map<string, SizedFile>();
    const sum = { files: 0, bytes: 0, deleted: 0 };
    let { paths } = options;
    for (let attempt = 1; ; attempt += 1) {
      const request = {
        sandboxId,
        fresh: options.fresh ?? false,
        paths,
        alsoDelete,
        maxFileBytes: options.maxFileBytes,
      };
      let plan = await this.#prepare({ ...request, keep: prompts.keep }, options);
      if (await prompts.confirm(plan)) plan = await this.#prepare({ ...request, keep: prompts.keep }, options);
      const done = (): PushResult => ({
        ...resultOf(plan, startedAt),
        ...sum,
        released: [...released],
        replaced: prompts.replaced,
        writtenThrough: [...writtenThrough],
        large: [...large.values()],
      });
      if (plan.isEmpty && !plan.isFirst && !plan.isUnsettled) {
        // The next push that sends something finds out where the sandbox is.
        if (options.expectMore) return done();
        // What it holds is known only to us; a push that has nothing to send still must know that it is there.
        await this.#worker.call('confirm', [sandboxId]);
        if (await this.#remote.isAt(sandbox, plan.generation, options.signal)) return done();
        paths = undefined;
        if (attempt < MAX_ATTEMPTS) continue;
        throw replyError({ kind: 'drift', have: '' }, this.remoteRoot);
      }
      const reply = await this.#sender.send(sandbox, plan, options);
      if (reply.kind === 'ok') {
        const { files, bytes, skipped, unstable } = await this.#worker.call('commit', [sandboxId]);
        sum.files += files;
        sum.bytes += bytes;
        sum.deleted += plan.deletes;
        for (const path of plan.released) released.add(path);
        for (const path of reply.writtenThrough) writtenThrough.add(path);
        for (const file of plan.large) large.set(file.path, file);
        if (unstable.length > 0 && attempt < MAX_ATTEMPTS) continue;
        return { ...done(), skipped: [...plan.skipped, ...skipped, ...unstable.map(changing)] };
      }
      await this.#afterFailure(sandbox, reply, options.signal);
      // What is known of the sandbox now may differ from the local tree anywhere.
      paths = undefined;
      const canMend =
        ['drift', 'link', 'cut'].includes(reply.kind) || (reply.kind === 'no-tool' && reply.tool === 'gzip');
      if (!canMend || attempt >= MAX_ATTEMPTS) throw replyError(reply, this.remoteRoot);
    }
  }

  async #afterFailure(sandbox: Sandbox, reply: Reply, signal?: AbortSignal): Promise<void> {
    const before: readonly Reply['kind'][] = ['drift', 'room', 'no-tool', 'link', 'cut'];
    await this.#worker.call(before.includes(reply.kind) ? 'withdraw' : 'abandon', [sandbox.sandboxId]);
    if (reply.kind === 'drift') await this.#remote.follow(sandbox, reply.have, signal);
    if (reply.kind === 'link') await this.#worker.call('forget', [sandbox.sandboxId, reply.path]);
  }

  async #prepare(
    request: PrepareRequest,
    { signal, onProgress }: PushOptions,
    method: 'prepare' | 'survey' = 'prepare',
  ): Promise<PreparedPush> {
    const onFiles = (files: number) =>
      onProgress?.({ stage: 'scanning', files, bytes: 0, totalBytes: 0, path: '', bytesPerSecond: 0 });
    return this.#worker.call(method, [request], { signal, onFiles });
  }
}

function resultOf(plan: PreparedPush, startedAt: number): PushResult {
  const { skipped, credentials, released, heldBack } = plan;
  const durationMs = performance.now() - startedAt;
  return {
    files: 0,
    bytes: 0,
    deleted: 0,
    durationMs,
    skipped,
    credentials,
    released,
    replaced: [],
    writtenThrough: [],
    large: [],
    heldBack,
  };
}

function changing(path: string): Skipped {
  return { path, reason: 'it changes all the time; what was sent may be of two moments' };
}
