import type { Sandbox } from 'modal';
import { untilAborted } from '../../base/cancellation.ts';
import { HOUR_MS, MINUTE_MS } from '../../base/clock.ts';
import { isSandboxStopped } from '../../modal/errors.ts';
import { type ExecOptions, execWith, QUIET_MS } from '../../modal/exec.ts';
import { requireShell } from '../../modal/shell.ts';
import type { PushOptions, SyncEngineOptions } from '../options.ts';
import type { WorkerClient } from '../worker/client.ts';
import { APPLY_PERL } from './apply-perl.ts';
import { APPLY_REST, APPLY_SCRIPT, parseReply, type Reply } from './apply-script.ts';
import type { Compression } from './archive.ts';
import { ArchiveSource, ResumeLost } from './archive-source.ts';
import type { Connections } from './connection.ts';
import type { PreparedPush } from './prepared.ts';
import { endTransfer, type Sent, type Transfer } from './transfer.ts';
import { MAX_WARM_BYTES, WarmReceiver } from './warm-receiver.ts';

/** The sandbox's reply to a push, with what was sent if the sandbox applied it. */
export type SendResult =
  | (Extract<Reply, { readonly kind: 'ok' }> & { readonly sent: Sent })
  | Exclude<Reply, { readonly kind: 'ok' }>;

const MAX_REPLY_BYTES = 256 * 1024;
/** The speed of a slow sandbox that applies a push. */
const SLOW_MOVE_MS = 20;
const SLOW_BYTES_PER_MS = 5_000;
/** Smaller pushes are over so soon that their own time limit is enough if their window is lost. */
const MIN_WATCHED_BYTES = 1024 * 1024;
const MIN_WATCHED_PATHS = 1000;
const UNWATCHED_TIMEOUT_MS = 5 * MINUTE_MS;

/** Sends prepared pushes to sandboxes. Each is one transfer, which has ended when `send` returns. */
export class Sender {
  readonly #worker: WorkerClient;
  readonly #connections: Connections;
  readonly #remoteRoot: string;
  readonly #compression: SyncEngineOptions['compression'];
  /** Processes kept for saved files, by sandbox ID. */
  readonly #warm = new Map<string, WarmReceiver>();

  constructor(
    worker: WorkerClient,
    connections: Connections,
    remoteRoot: string,
    compression: SyncEngineOptions['compression'],
  ) {
    this.#worker = worker;
    this.#connections = connections;
    this.#remoteRoot = remoteRoot;
    this.#compression = compression;
  }

  /** Stops the processes kept in sandboxes. */
  dispose(): void {
    for (const receiver of this.#warm.values()) receiver.close();
  }

  /** Sends the push that was prepared last. Throws the SDK's errors, and the signal's reason. */
  async send(sandbox: Sandbox, plan: PreparedPush, options: PushOptions): Promise<SendResult> {
    return (await this.#sendToWarm(sandbox, plan, options)) ?? (await this.#sendAsStream(sandbox, plan, options));
  }

  /** Hands a small push to the process kept for saved files; undefined if that process can't take it. */
  async #sendToWarm(
    sandbox: Sandbox,
    plan: PreparedPush,
    { expectMore, signal }: PushOptions,
  ): Promise<SendResult | undefined> {
    if (!expectMore || plan.isFirst || plan.isUnsettled) return undefined;
    const { sandboxId } = sandbox;
    const kept = this.#warm.get(sandboxId);
    if (kept && !kept.isOpen && !kept.hasWorked) return undefined;
    await using transfer = await this.#worker.sandbox(sandboxId).open({ signal });
    const payload = await transfer.inline(MAX_WARM_BYTES);
    if (!payload) {
      await transfer.withdraw();
      return undefined;
    }
    let reply: Reply;
    try {
      const receiver = kept?.isOpen ? kept : await this.#startWarm(sandbox, signal);
      const { next, accept, neededKiB } = transfer;
      reply = await receiver.apply([next, String(neededKiB), ...accept], payload, signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      // The caller plans again and sends a stream, which reports the problem if it persists.
      return { kind: 'cut' };
    }
    return ended(transfer, reply);
  }

  async #startWarm(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<WarmReceiver> {
    const starting = WarmReceiver.start(sandbox, this.#remoteRoot);
    const closeLate = () => void starting.then((late) => late.close()).catch(() => {});
    const receiver = await untilAborted(starting, signal, closeLate);
    this.#warm.set(sandbox.sandboxId, receiver);
    return receiver;
  }

  async #sendAsStream(sandbox: Sandbox, plan: PreparedPush, options: PushOptions): Promise<SendResult> {
    const connection = this.#connections.of(sandbox);
    const { signal, onProgress } = options;
    await using transfer = await this.#worker.sandbox(sandbox.sandboxId).open({ signal });
    const { next, accept, neededKiB } = transfer;
    const limits = applyLimits(plan);
    const args = [this.#remoteRoot, next, String(neededKiB), ...accept];
    // A shell that starts Perl takes longer than Perl.
    const withPerl = connection.tools.includes('perl') && !limits.isWatched;
    const argv = withPerl
      ? ['perl', '-e', APPLY_PERL, 'modal-sync', 'direct', APPLY_REST, ...args]
      : ['sh', '-c', APPLY_SCRIPT, 'modal-sync', ...args];
    let startedAt = 0;
    let compression: Compression = 'raw';
    const source = (startMs: number) => {
      compression = this.#compression === 'never' ? 'raw' : connection.compression(startMs, plan.putBytes);
      startedAt = performance.now();
      return new ArchiveSource(
        Buffer.from(`${compression}\n`),
        () => transfer.nextChunk(compression),
        (chunk, sentBytes) => {
          const seconds = (performance.now() - startedAt) / 1000;
          connection.measured(sentBytes, seconds);
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
    let reply: Reply;
    try {
      const said = (await execWith(sandbox, argv, { source, signal, ...limits })).toString();
      if (withPerl && said === '') {
        // It may have been removed.
        connection.tools = connection.tools.filter((tool) => tool !== 'perl');
        return { kind: 'cut' };
      }
      reply = parseReply(said);
    } catch (error) {
      if (!(error instanceof ResumeLost)) {
        if (isSandboxStopped(error)) await requireShell(sandbox);
        throw error;
      }
      // The caller plans again, so that everything that is now uncertain is sent again.
      return { kind: 'cut' };
    }
    if (reply.kind === 'ok') connection.tools = reply.tools;
    if (reply.kind === 'no-tool' && reply.tool === compression) connection.tools = [];
    return ended(transfer, reply);
  }
}

/**
 * The sandbox is quiet while it moves what it has received into place, which takes a shell that has to do it alone some
 * milliseconds for each path. Watching a command costs more processes than applying a small push.
 */
function applyLimits({ puts, putBytes, deletes }: PreparedPush): ExecOptions {
  const quietMs = QUIET_MS + (puts + deletes) * SLOW_MOVE_MS + putBytes / SLOW_BYTES_PER_MS;
  const isWatched = putBytes >= MIN_WATCHED_BYTES || puts + deletes >= MIN_WATCHED_PATHS;
  return { maxBytes: MAX_REPLY_BYTES, timeoutMs: isWatched ? HOUR_MS : UNWATCHED_TIMEOUT_MS, quietMs, isWatched };
}

async function ended(transfer: Transfer, reply: Reply): Promise<SendResult> {
  const sent = await endTransfer(transfer, reply);
  if (reply.kind !== 'ok') return reply;
  if (!sent) throw new Error('a push that was applied was not committed');
  return { ...reply, sent };
}
