import type { Sandbox } from 'modal';
import { untilAborted } from '../../base/cancellation.ts';
import { execWith } from '../../modal/exec.ts';
import type { PushOptions, SyncEngineOptions } from '../options.ts';
import type { WorkerClient } from '../worker/client.ts';
import { APPLY_SCRIPT, parseReply, type Reply } from './apply-script.ts';
import type { Compression } from './archive.ts';
import { ArchiveSource, ResumeLost } from './archive-source.ts';
import { Link } from './connection.ts';
import type { PreparedPush } from './prepared.ts';
import { MAX_WARM_BYTES, WarmReceiver } from './warm-receiver.ts';

/** Carries what was prepared to a sandbox. Everything in it is marked as unknown when its end is. */
export class Sender {
  readonly #worker: WorkerClient;
  readonly #remoteRoot: string;
  readonly #compression: SyncEngineOptions['compression'];
  /** Processes kept for saved files, by sandbox. */
  readonly #warm = new Map<string, WarmReceiver>();

  constructor(worker: WorkerClient, remoteRoot: string, compression: SyncEngineOptions['compression']) {
    this.#worker = worker;
    this.#remoteRoot = remoteRoot;
    this.#compression = compression;
  }

  /** Ends what is kept in sandboxes. */
  dispose(): void {
    for (const receiver of this.#warm.values()) receiver.close();
  }

  /** Throws the SDK's errors, and the signal's reason. */
  async send(sandbox: Sandbox, plan: PreparedPush, options: PushOptions): Promise<Reply> {
    return (await this.#toWarm(sandbox, plan, options)) ?? (await this.#asStream(sandbox, plan, options));
  }

  /** Hands a small plan to the process that is kept for saved files; undefined when it is not for that. */
  async #toWarm(sandbox: Sandbox, plan: PreparedPush, { expectMore, signal }: PushOptions): Promise<Reply | undefined> {
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
      const receiver = kept?.isOpen ? kept : await this.#startWarm(sandbox, signal);
      return await receiver.apply([next, String(neededKiB), ...accept], payload, signal);
    } catch (error) {
      await this.#worker.call('abandon', [sandboxId]);
      if (signal?.aborted) throw error;
      // Planned anew, and sent as a stream, which says what is wrong if it still is.
      return { kind: 'cut' };
    }
  }

  async #startWarm(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<WarmReceiver> {
    const starting = WarmReceiver.start(sandbox, this.#remoteRoot);
    const closeLate = () => void starting.then((late) => late.close()).catch(() => {});
    const receiver = await untilAborted(starting, signal, closeLate);
    this.#warm.set(sandbox.sandboxId, receiver);
    return receiver;
  }

  /** Sends the plan as one stream. */
  async #asStream(sandbox: Sandbox, plan: PreparedPush, options: PushOptions): Promise<Reply> {
    const link = Link.of(sandbox);
    const { signal, onProgress } = options;
    const { next, accept, neededKiB } = await this.#worker.call('open', [sandbox.sandboxId], { signal });
    const argv = ['sh', '-c', APPLY_SCRIPT, 'modal-sync', this.#remoteRoot, next, String(neededKiB), ...accept];
    let syncedEntryFrom = 0;
    let compression: Compression = 'raw';
    const source = (startMs: number) => {
      compression = this.#compression === 'never' ? 'raw' : link.compression(startMs, plan.putBytes);
      syncedEntryFrom = performance.now();
      const head = Buffer.from(`${compression}\n`);
      return new ArchiveSource(
        head,
        () => this.#worker.call('next', [sandbox.sandboxId, next, compression]),
        (chunk, sentBytes) => {
          const seconds = (performance.now() - syncedEntryFrom) / 1000;
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
}
