import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { UserError } from '../modal/errors.ts';
import { APPLY_SCRIPT, parseReply, type Reply } from './apply-script.ts';
import { ArchiveSource, ResumeLost } from './archive-source.ts';
import { Asking } from './asking.ts';
import type { Compression } from './core.ts';
import { execWith } from './exec.ts';
import { Link } from './link.ts';
import { LIST_SCRIPT } from './list-script.ts';
import type { PreparedRun, PushOptions, PushResult, SizedFile, SyncEngineOptions } from './options.ts';
import type { Prepared, PrepareRequest } from './prepared.ts';
import { Puller, type PullRequest, type PullResult } from './puller.ts';
import { refuseRoot } from './questions.ts';
import type { RemoteChanges } from './remote.ts';
import { errorFor } from './reply-error.ts';
import type { Explanation } from './rules.ts';
import { applyPreamble, checkPreamble, type RunSyncOutcome } from './run-preamble.ts';
import type { Skipped } from './scan.ts';
import { MAX_WARM_BYTES, WarmReceiver } from './warm-receiver.ts';
import { WorkerClient } from './worker-client.ts';

export type { PreparedRun, PushOptions, PushResult, SyncEngineOptions, SyncProgress } from './options.ts';

/** Argument vectors are limited to 65,536 characters in all; in base64 this leaves room for the script and the command. */
const INLINE_BYTES = 30 * 1024;
const ATTEMPTS = 6;
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
  /** Processes kept for saved files, by sandbox. */
  readonly #warm = new Map<string, WarmReceiver>();
  #pulls: Promise<unknown> = Promise.resolve();

  constructor(options: SyncEngineOptions) {
    this.#options = options;
    this.remoteRoot = posix.normalize(options.remoteRoot ?? '/workspace');
    const { root, storageDir, rules = {}, worker } = options;
    this.#worker = new WorkerClient({ root, storageDir, rules, remoteRoot: this.remoteRoot }, worker);
  }

  /** Starts the thread, so that the first sync need not wait for it. */
  warmUp(): void {
    this.#worker.start();
  }

  /** Ends the thread, and what is kept in sandboxes for saved files. */
  dispose(): Promise<void> {
    for (const receiver of this.#warm.values()) receiver.close();
    return this.#worker.dispose();
  }

  /** What a push to a sandbox would do; without one, what a first sync would send. Sends nothing. */
  async status(sandbox?: Sandbox, options: PushOptions = {}): Promise<Prepared> {
    refuseRoot(this.#options.root);
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
    return Link.of(sandbox).queued(options.signal, () => this.#push(sandbox, options, this.#asking(options)));
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
    return Link.of(sandbox).queued(options.signal, async () => {
      const { sandboxId } = sandbox;
      const taken = (await this.#worker.call('wasListed', [sandboxId])) ? '1' : '0';
      const changes = await this.#listed(sandbox, ['changed', taken], options.signal, (output) =>
        this.#worker.call('changes', [sandboxId, output]),
      );
      return changes === 'drift' ? this.#reconcile(sandbox, options.signal) : changes;
    });
  }

  /** Files that only the sandbox has and no rule leaves out: what `mirror` would delete. */
  mirrorPreview(sandbox: Sandbox, options: Pick<PushOptions, 'signal'> = {}): Promise<readonly string[]> {
    return Link.of(sandbox).queued(
      options.signal,
      async () => (await this.#reconcile(sandbox, options.signal)).created,
    );
  }

  /** Pushes, and deletes what `mirrorPreview` named. Asks once more, with the list. */
  mirror(sandbox: Sandbox, extras: readonly string[], options: PushOptions = {}): Promise<PushResult> {
    return Link.of(sandbox).queued(options.signal, async () => {
      const asking = this.#asking(options);
      if (extras.length > 0) await asking.demand({ kind: 'mirror', extras });
      return this.#push(sandbox, options, asking, extras);
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

  #asking({ ask, onRemoteChange, signal }: PushOptions): Asking {
    return new Asking(ask ?? this.#options.ask, onRemoteChange, signal);
  }

  /** The worker takes in one archive at a time, whatever sandbox it comes from. */
  #pullAlone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#pulls.then(work);
    this.#pulls = turn.catch(() => {});
    return turn;
  }

  async #prepareRun(sandbox: Sandbox, options: PushOptions): Promise<PreparedRun> {
    const startedAt = performance.now();
    refuseRoot(this.#options.root);
    const request: PrepareRequest = {
      sandboxId: sandbox.sandboxId,
      fresh: options.fresh ?? false,
      paths: options.paths,
      maxFileBytes: options.maxFileBytes,
    };
    const asking = this.#asking(options);
    let plan = await this.#prepare(request, options);
    if (await asking.about(plan)) plan = await this.#prepare({ ...request, keep: asking.keep }, options);
    let result: PushResult | undefined;
    if (!plan.isEmpty || plan.isFirst || plan.isUnsettled) {
      const inline =
        plan.isFirst || plan.isUnsettled ? undefined : await this.#inline(sandbox, plan, startedAt, asking);
      if (inline) return inline;
      result = await this.#push(sandbox, options, asking);
      plan = await this.#prepare({ ...request, keep: asking.keep }, options);
    } else await this.#worker.call('confirm', [sandbox.sandboxId]);
    const synced = result ?? resultOf(plan, startedAt);
    return {
      script: checkPreamble(this.remoteRoot, plan.generation),
      settle: async (outcome) => {
        if (outcome.kind === 'drift') await this.#follow(sandbox, outcome.have);
        return outcome.kind === 'same' ? synced : undefined;
      },
    };
  }

  async #inline(sandbox: Sandbox, plan: Prepared, startedAt: number, asking: Asking): Promise<PreparedRun | undefined> {
    const { next, accept, neededKiB } = await this.#worker.call('open', [sandbox.sandboxId]);
    const payload = await this.#worker.call('inline', [sandbox.sandboxId, INLINE_BYTES]);
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
          const { replaced } = asking;
          return { ...synced, files, bytes, deleted: plan.deletes, replaced, through: outcome.through };
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
    asking: Asking,
    alsoDelete: readonly string[] = [],
  ): Promise<PushResult> {
    const startedAt = performance.now();
    refuseRoot(this.#options.root);
    const { sandboxId } = sandbox;
    const released = new Set<string>();
    const through = new Set<string>();
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
      let plan = await this.#prepare({ ...request, keep: asking.keep }, options);
      if (await asking.about(plan)) plan = await this.#prepare({ ...request, keep: asking.keep }, options);
      const done = (): PushResult => ({
        ...resultOf(plan, startedAt),
        ...sum,
        released: [...released],
        replaced: asking.replaced,
        through: [...through],
        large: [...large.values()],
      });
      if (plan.isEmpty && !plan.isFirst && !plan.isUnsettled) {
        // The next push that sends something finds out where the sandbox is.
        if (options.expectMore) return done();
        // What it holds is known only to us; a push that has nothing to send still must know that it is there.
        await this.#worker.call('confirm', [sandboxId]);
        if (await this.#isAt(sandbox, plan.generation, options.signal)) return done();
        paths = undefined;
        if (attempt < ATTEMPTS) continue;
        throw errorFor({ kind: 'drift', have: '' }, this.remoteRoot);
      }
      const reply = (await this.#sendWarm(sandbox, plan, options)) ?? (await this.#send(sandbox, plan, options));
      if (reply.kind === 'ok') {
        const { files, bytes, skipped, unstable } = await this.#worker.call('commit', [sandboxId]);
        sum.files += files;
        sum.bytes += bytes;
        sum.deleted += plan.deletes;
        for (const path of plan.released) released.add(path);
        for (const path of reply.through) through.add(path);
        for (const file of plan.large) large.set(file.path, file);
        if (unstable.length > 0 && attempt < ATTEMPTS) continue;
        return { ...done(), skipped: [...plan.skipped, ...skipped, ...unstable.map(changing)] };
      }
      await this.#afterFailure(sandbox, reply, options.signal);
      // What is known of the sandbox now may differ from the local tree anywhere.
      paths = undefined;
      const canMend =
        ['drift', 'link', 'cut'].includes(reply.kind) || (reply.kind === 'no-tool' && reply.tool === 'gzip');
      if (!canMend || attempt >= ATTEMPTS) throw errorFor(reply, this.remoteRoot);
    }
  }

  /** Hands a small plan to the process that is kept for saved files; undefined when it is not for that. */
  async #sendWarm(sandbox: Sandbox, plan: Prepared, { expectMore, signal }: PushOptions): Promise<Reply | undefined> {
    if (!expectMore || plan.isFirst || plan.isUnsettled) return undefined;
    const { sandboxId } = sandbox;
    const kept = this.#warm.get(sandboxId);
    if (kept && !kept.isOpen && !kept.hasWorked) return undefined;
    const { next, accept, neededKiB } = await this.#worker.call('open', [sandboxId], { signal });
    const payload = await this.#worker.call('inline', [sandboxId, MAX_WARM_BYTES]);
    if (!payload) {
      await this.#worker.call('withdraw', [sandboxId]);
      return undefined;
    }
    try {
      const receiver = kept?.isOpen ? kept : await WarmReceiver.start(sandbox, this.remoteRoot);
      this.#warm.set(sandboxId, receiver);
      return await receiver.apply([next, String(neededKiB), ...accept], payload, signal);
    } catch (error) {
      await this.#worker.call('abandon', [sandboxId]);
      if (signal?.aborted) throw error;
      // Planned anew, and sent as a stream, which says what is wrong if it still is.
      return { kind: 'cut' };
    }
  }

  /** Sends the open plan as one stream. Everything in it is marked as unknown when that fails. */
  async #send(sandbox: Sandbox, plan: Prepared, options: PushOptions): Promise<Reply> {
    const link = Link.of(sandbox);
    const { signal, onProgress } = options;
    const { next, accept, neededKiB } = await this.#worker.call('open', [sandbox.sandboxId], { signal });
    const argv = ['sh', '-c', APPLY_SCRIPT, 'modal-sync', this.remoteRoot, next, String(neededKiB), ...accept];
    let sentFrom = 0;
    let compression: Compression = 'raw';
    const source = (startMs: number) => {
      compression = this.#options.compression === 'never' ? 'raw' : link.compression(startMs, plan.putBytes);
      sentFrom = performance.now();
      const head = Buffer.from(`${compression}\n`);
      return new ArchiveSource(
        head,
        () => this.#worker.call('next', [sandbox.sandboxId, next, compression]),
        (chunk, sentBytes) => {
          const seconds = (performance.now() - sentFrom) / 1000;
          link.measured(sentBytes, seconds);
          onProgress?.({
            stage: chunk.bytes ? 'sending' : 'applying',
            files: chunk.files,
            bytes: chunk.contentBytes,
            totalBytes: plan.putBytes,
            path: chunk.path,
            bytesPerSecond: seconds > 0 ? chunk.contentBytes / seconds : 0,
          });
        },
      );
    };
    try {
      const reply = parseReply((await execWith(sandbox, argv, { source, signal })).toString());
      if (reply.kind === 'ok') link.decoders = reply.decoders;
      if (reply.kind === 'no-tool' && reply.tool === compression) link.decoders = [];
      return reply;
    } catch (error) {
      await this.#worker.call('abandon', [sandbox.sandboxId]);
      if (!(error instanceof ResumeLost)) throw error;
      // Planned anew by the caller, so that everything in doubt goes out again, and what else was asked for.
      return { kind: 'cut' };
    }
  }

  async #afterFailure(sandbox: Sandbox, reply: Reply, signal?: AbortSignal): Promise<void> {
    const before: readonly Reply['kind'][] = ['drift', 'room', 'no-tool', 'link', 'cut'];
    await this.#worker.call(before.includes(reply.kind) ? 'withdraw' : 'abandon', [sandbox.sandboxId]);
    if (reply.kind === 'drift') await this.#follow(sandbox, reply.have, signal);
    if (reply.kind === 'link') await this.#worker.call('forget', [sandbox.sandboxId, reply.path]);
  }

  /** The sandbox is at another generation than the index: finds the index of that one, or asks the sandbox. */
  async #follow(sandbox: Sandbox, have: string, signal?: AbortSignal): Promise<void> {
    const { sandboxId } = sandbox;
    if (have === 'none') await this.#worker.call('reset', [sandboxId]);
    else if (!(await this.#worker.call('adopt', [sandboxId, have]))) await this.#reconcile(sandbox, signal);
  }

  async #isAt(sandbox: Sandbox, generation: string, signal?: AbortSignal): Promise<boolean> {
    const output = await execWith(sandbox, ['sh', '-c', `${checkPreamble(this.remoteRoot, generation)}`], { signal });
    const have = /;DRIFT (.*)\u0007/.exec(output.toString())?.[1];
    if (have === undefined) return true;
    await this.#follow(sandbox, have, signal);
    return false;
  }

  #reconcile(sandbox: Sandbox, signal?: AbortSignal): Promise<RemoteChanges> {
    return this.#listed(sandbox, ['all', '0'], signal, (output) =>
      this.#worker.call('reconcile', [sandbox.sandboxId, output]),
    );
  }

  /** Runs the list script until its output is whole: files that vanish while it lists spoil it. */
  async #listed<Changes>(
    sandbox: Sandbox,
    args: readonly string[],
    signal: AbortSignal | undefined,
    take: (output: Buffer) => Promise<Changes | undefined>,
  ): Promise<Changes> {
    const passedOver = await this.#worker.call('passedOver', [sandbox.sandboxId]);
    const argv = ['sh', '-c', LIST_SCRIPT, 'modal-list', this.remoteRoot, ...args, ...passedOver];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const changes = await take(await execWith(sandbox, argv, { signal }));
      if (changes) return changes;
    }
    throw new UserError(
      `The files in ${this.remoteRoot} could not be listed. Run again once no program changes them, or terminate the sandbox to start afresh.`,
    );
  }

  async #prepare(
    request: PrepareRequest,
    { signal, onProgress }: PushOptions,
    method: 'prepare' | 'survey' = 'prepare',
  ): Promise<Prepared> {
    const onFiles = (files: number) =>
      onProgress?.({ stage: 'scanning', files, bytes: 0, totalBytes: 0, path: '', bytesPerSecond: 0 });
    return this.#worker.call(method, [request], { signal, onFiles });
  }
}

function resultOf(plan: Prepared, startedAt: number): PushResult {
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
    through: [],
    large: [],
    heldBack,
  };
}

function changing(path: string): Skipped {
  return { path, reason: 'it changes all the time; what was sent may be of two moments' };
}
