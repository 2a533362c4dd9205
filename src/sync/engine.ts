import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { logLine } from '../base/log-lines.ts';
import { requireShell } from '../modal/shell.ts';
import { type PreparedRun, type PushOptions, type PushResult, REMOTE_ROOT, type SyncEngineOptions } from './options.ts';
import { Puller, type PullRequest, type PullResult } from './pull/puller.ts';
import { type Connection, Connections } from './push/connection.ts';
import type { PreparedPush, SizedFile } from './push/prepared.ts';
import { SyncPrompts } from './push/prompts.ts';
import { replyError } from './push/reply-error.ts';
import { resultOf } from './push/result.ts';
import { applyPreamble, checkPreamble, type RunSyncOutcome } from './push/run-preamble.ts';
import { Sender } from './push/sender.ts';
import { endTransfer } from './push/transfer.ts';
import type { RemoteChanges } from './remote/remote.ts';
import { RemoteState } from './remote/remote-state.ts';
import type { Explanation } from './rules/rule.ts';
import type { Notice } from './scan/notices.ts';
import type { Skipped } from './scan/scan.ts';
import { strings } from './strings.ts';
import { type PushScope, WorkerClient } from './worker/client.ts';
import type { CallOptions } from './worker/thread.ts';

export type { PreparedRun, PushOptions, PushResult, SyncEngineOptions, SyncProgress } from './options.ts';

/**
 * Modal limits a command's arguments to 65,536 characters. In base64, this leaves room for the script and the command.
 */
const MAX_INLINE_BYTES = 30 * 1024;
const MAX_ATTEMPTS = 6;
/** The maximum time for a prepared run to report its outcome. It only has to start and to unpack a few kilobytes. */
const SETTLE_TIMEOUT_MS = 120_000;
/** The sandbox ID of a survey without a sandbox. */
const NO_SANDBOX = 'status';

/**
 * Keeps a folder in sandboxes equal to a local one. Use one engine for each folder; it works with any number of
 * sandboxes, one operation at a time in each. All methods throw `UserError` with a next step, `SyncStopped` if a
 * question isn't answered with yes, the SDK's errors, and the signal's reason within 200 ms.
 */
export class SyncEngine {
  readonly remoteRoot: string;
  readonly #options: SyncEngineOptions;
  readonly #worker: WorkerClient;
  readonly #connections: Connections;
  readonly #sender: Sender;
  readonly #remote: RemoteState;
  #pulls: Promise<unknown> = Promise.resolve();

  constructor(options: SyncEngineOptions) {
    this.#options = options;
    this.remoteRoot = posix.normalize(options.remoteRoot ?? REMOTE_ROOT);
    const { root, storageDir, rules = {}, connections = new Connections(), compression, worker } = options;
    this.#worker = new WorkerClient({ root, storageDir, rules, remoteRoot: this.remoteRoot }, worker);
    this.#connections = connections;
    this.#sender = new Sender(this.#worker, connections, this.remoteRoot, compression);
    this.#remote = new RemoteState(this.#worker, this.remoteRoot);
  }

  /** Starts the engine's thread ahead of the first sync. */
  warmUp(): void {
    this.#worker.start();
  }

  /** Stops the engine's thread, and the processes kept in sandboxes for saved files. */
  dispose(): Promise<void> {
    this.#sender.dispose();
    return this.#worker.dispose();
  }

  /** Returns what a push would do; without a sandbox, what a first push would send. Sends nothing. */
  async status(sandbox?: Sandbox, options: PushOptions = {}): Promise<PreparedPush> {
    const { paths } = options;
    const worker = this.#worker.sandbox(sandbox?.sandboxId ?? NO_SANDBOX);
    return worker.survey({ fresh: sandbox === undefined, paths }, callOptions(options));
  }

  /** Explains why paths are synced or not, with the rule that decides. */
  explain(paths: readonly string[]): Promise<Explanation[]> {
    return this.#worker.explain(paths);
  }

  /** Makes the sandbox's folder equal to the local one. */
  push(sandbox: Sandbox, options: PushOptions = {}): Promise<PushResult> {
    return this.#connection(sandbox).queued(options.signal, async () => {
      const result = await this.#push(sandbox, options, this.#prompts(sandbox, options));
      // Saving a file that isn't synced, or has no changes, is no event.
      if (!options.expectMore || result.files + result.deleted > 0) logLine.synced('to', sandbox.sandboxId, result);
      return options.expectMore ? result : this.#told(result);
    });
  }

  /**
   * Prepares a run. A small change is sent with the run's own command, a larger one is pushed first, and without
   * changes no request is needed. Other operations on the sandbox wait until `settle` is called.
   */
  prepareRun(sandbox: Sandbox, options: PushOptions = {}): Promise<PreparedRun> {
    return new Promise((resolve, reject) => {
      this.#connection(sandbox)
        .queued(options.signal, async () => {
          const { settle, ...run } = await this.#prepareRun(sandbox, options);
          // Nothing else may sync until the outcome is known, but a caller that never reports one must not block
          // forever.
          await new Promise<void>((release) => {
            const late = setTimeout(() => void settleOnce({ kind: 'unknown' }), SETTLE_TIMEOUT_MS).unref();
            let result: Promise<PushResult | undefined> | undefined;
            const settleOnce = (outcome: RunSyncOutcome) => {
              clearTimeout(late);
              result ??= settle(outcome)
                .then((done) => {
                  if (!done) return undefined;
                  logLine.synced('to', sandbox.sandboxId, done);
                  return this.#told(done);
                })
                .finally(release);
              return result;
            };
            resolve({ ...run, settle: settleOnce });
          });
        })
        .catch(reject);
    });
  }

  /** Returns what programs have changed in the sandbox since the last call. Cheap enough to call after every run. */
  remoteChanges(sandbox: Sandbox, options: Pick<PushOptions, 'signal'> = {}): Promise<RemoteChanges> {
    return this.#connection(sandbox).queued(options.signal, () => this.#remote.changes(sandbox, options.signal));
  }

  /** Returns the files that exist only in the sandbox and aren't excluded: what `mirror` would delete. */
  mirrorPreview(sandbox: Sandbox, options: Pick<PushOptions, 'signal'> = {}): Promise<readonly string[]> {
    return this.#connection(sandbox).queued(
      options.signal,
      async () => (await this.#remote.reconcile(sandbox, options.signal)).created,
    );
  }

  /** Pushes, and deletes the files that `mirrorPreview` returned, after asking for confirmation with the list. */
  mirror(sandbox: Sandbox, extras: readonly string[], options: PushOptions = {}): Promise<PushResult> {
    return this.#connection(sandbox).queued(options.signal, async () => {
      const prompts = this.#prompts(sandbox, options);
      if (extras.length > 0) await prompts.require({ kind: 'mirror', extras });
      const result = await this.#push(sandbox, options, prompts, extras);
      logLine.synced('to', sandbox.sandboxId, result);
      return result;
    });
  }

  /** Pulls files from the sandbox into the local folder. */
  pull(sandbox: Sandbox, request: PullRequest): Promise<PullResult> {
    return this.#connection(sandbox).queued(request.signal, async () => {
      const puller = new Puller(this.#worker, this.remoteRoot, request.ask ?? this.#options.ask);
      const result = await this.#pullAlone(() => puller.pull(sandbox, request));
      logLine.synced('from', sandbox.sandboxId, result);
      return result;
    });
  }

  #connection(sandbox: Sandbox): Connection {
    return this.#connections.of(sandbox);
  }

  #prompts(sandbox: Sandbox, { ask, ...options }: PushOptions): SyncPrompts {
    const beforeLoss = async () => this.#options.beforeLoss?.(sandbox);
    return new SyncPrompts(ask ?? this.#options.ask, { ...options, beforeLoss });
  }

  /** The thread receives one archive at a time, whichever sandbox it comes from. */
  #pullAlone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#pulls.then(work);
    this.#pulls = turn.catch(() => {});
    return turn;
  }

  /** Plans a push, asks what must be asked about it, and plans again if an answer changes the plan. */
  async #prepare(
    sandbox: Sandbox,
    scope: PushScope,
    prompts: SyncPrompts,
    options: PushOptions,
  ): Promise<PreparedPush> {
    const worker = this.#worker.sandbox(sandbox.sandboxId);
    const prepare = () => worker.prepare({ ...scope, keep: prompts.keep }, callOptions(options));
    const plan = await prepare();
    return (await prompts.confirm(plan)) ? prepare() : plan;
  }

  async #prepareRun(sandbox: Sandbox, options: PushOptions): Promise<PreparedRun> {
    const startedAt = performance.now();
    const { fresh = false, paths, maxFileBytes } = options;
    const scope: PushScope = { fresh, paths, maxFileBytes };
    const prompts = this.#prompts(sandbox, options);
    const worker = this.#worker.sandbox(sandbox.sandboxId);
    let plan = await this.#prepare(sandbox, scope, prompts, options);
    let pushed: PushResult | undefined;
    if (isDue(plan)) {
      const inline =
        plan.isFirst || plan.isUnsettled
          ? undefined
          : await this.#prepareInline(sandbox, plan, startedAt, prompts, options);
      if (inline) return inline;
      pushed = await this.#push(sandbox, options, prompts);
      plan = await worker.prepare({ ...scope, keep: prompts.keep }, callOptions(options));
    } else await worker.confirm();
    const result = pushed ?? resultOf(plan, prompts, startedAt);
    return {
      script: checkPreamble(this.remoteRoot, plan.generation),
      settle: async (outcome) => {
        await this.#recover(sandbox, outcome);
        return outcome.kind === 'same' ? result : undefined;
      },
    };
  }

  /** Prepares a run that sends the push with its own command; undefined if the push is too large for that. */
  async #prepareInline(
    sandbox: Sandbox,
    plan: PreparedPush,
    startedAt: number,
    prompts: SyncPrompts,
    { maxScriptChars = Number.POSITIVE_INFINITY }: PushOptions,
  ): Promise<PreparedRun | undefined> {
    const transfer = await this.#worker.sandbox(sandbox.sandboxId).open();
    const payload = await transfer.inline(MAX_INLINE_BYTES).catch(async (error) => {
      await transfer.withdraw();
      throw error;
    });
    const args = [this.remoteRoot, transfer.next, String(transfer.neededKiB), ...transfer.accept];
    const script = payload && applyPreamble(args, Buffer.from(payload).toString('base64'));
    if (script === undefined || script.length > maxScriptChars) {
      await transfer.withdraw();
      return undefined;
    }
    const result = resultOf(plan, prompts, startedAt);
    return {
      script,
      settle: async (outcome) => {
        const sent = await endTransfer(transfer, outcome);
        if (sent && outcome.kind === 'ok') {
          const { files, bytes } = sent;
          const notices = [...plan.notices, ...sent.notices];
          const { writtenThrough, movedAside } = outcome;
          const replaced = prompts.replaced;
          return { ...result, files, bytes, deleted: plan.deletes, replaced, writtenThrough, movedAside, notices };
        }
        await this.#recover(sandbox, outcome);
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
    const { fresh = false, maxFileBytes, signal } = options;
    const released = new Set<string>();
    const writtenThrough = new Set<string>();
    const movedAside = new Set<string>();
    const large = new Map<string, SizedFile>();
    const noticed: Notice[] = [];
    const sum = { files: 0, bytes: 0, deleted: 0 };
    let { paths } = options;
    for (let attempt = 1; ; attempt += 1) {
      const plan = await this.#prepare(sandbox, { fresh, paths, alsoDelete, maxFileBytes }, prompts, options);
      const result = (): PushResult => ({
        ...resultOf(plan, prompts, startedAt),
        ...sum,
        released: [...released],
        replaced: prompts.replaced,
        writtenThrough: [...writtenThrough],
        movedAside: [...movedAside],
        large: [...large.values()],
        notices: [...plan.notices, ...noticed],
      });
      if (!isDue(plan)) {
        // The next push that sends something determines what the sandbox contains.
        if (options.expectMore) return result();
        // The index alone says that the sandbox is up to date, so make sure that the sandbox agrees.
        await this.#worker.sandbox(sandbox.sandboxId).confirm();
        if (await this.#remote.isAt(sandbox, plan.generation, signal)) return result();
        paths = undefined;
        if (attempt < MAX_ATTEMPTS) continue;
        throw replyError({ kind: 'drift', have: '' }, this.remoteRoot);
      }
      const reply = await this.#sender.send(sandbox, plan, options);
      if (reply.kind === 'ok') {
        const { files, bytes, skipped, unstable } = reply.sent;
        noticed.push(...reply.sent.notices);
        sum.files += files;
        sum.bytes += bytes;
        sum.deleted += plan.deletes;
        for (const path of plan.released) released.add(path);
        for (const path of reply.writtenThrough) writtenThrough.add(path);
        for (const path of reply.movedAside) movedAside.add(path);
        for (const file of plan.large) large.set(file.path, file);
        if (unstable.length > 0 && attempt < MAX_ATTEMPTS) continue;
        return { ...result(), skipped: [...plan.skipped, ...skipped, ...unstable.map(keptChanging)] };
      }
      await this.#recover(sandbox, reply, signal);
      // Anything may now differ from the local folder.
      paths = undefined;
      const canRetry =
        ['drift', 'link', 'cut'].includes(reply.kind) || (reply.kind === 'no-tool' && reply.tool === 'gzip');
      if (canRetry && attempt < MAX_ATTEMPTS) continue;
      if (reply.kind === 'failed' || reply.kind === 'cut') await requireShell(sandbox);
      throw replyError(reply, this.remoteRoot);
    }
  }

  /** Records that the result's notices are told. */
  async #told(result: PushResult): Promise<PushResult> {
    if (result.notices.length > 0) await this.#worker.tell(result.notices.map(({ key }) => key));
    return result;
  }

  /** Updates the index after a push that the sandbox refused, so that the next attempt can succeed. */
  async #recover(sandbox: Sandbox, outcome: RunSyncOutcome, signal?: AbortSignal): Promise<void> {
    if (outcome.kind === 'drift') await this.#remote.follow(sandbox, outcome.have, signal);
    if (outcome.kind === 'link') await this.#worker.sandbox(sandbox.sandboxId).forget(outcome.path);
  }
}

/** Returns true if a push has to be sent. */
function isDue(plan: PreparedPush): boolean {
  return !plan.isEmpty || plan.isFirst || plan.isUnsettled;
}

function callOptions({ signal, onProgress }: PushOptions): CallOptions {
  const report = (stage: 'scanning' | 'waiting', files = 0) =>
    onProgress?.({ stage, files, bytes: 0, totalBytes: 0, path: '', bytesPerSecond: 0 });
  return { signal, onFiles: (files) => report('scanning', files), onSilence: () => report('waiting') };
}

function keptChanging(path: string): Skipped {
  return { path, reason: strings.keptChanging() };
}
