import type { Generation } from '../index/generation.ts';
import type { Received, ReceiveProgress, ReceiveRequest } from '../pull/pull-receiver.ts';
import type { Compression } from '../push/archive.ts';
import type { PreparedPush, PrepareRequest } from '../push/prepared.ts';
import type { Chunk, Sent, Transfer } from '../push/transfer.ts';
import type { RemoteChanges } from '../remote/remote.ts';
import type { Explanation } from '../rules/rule.ts';
import type { CoreOptions, OpenedArchive } from './core.ts';
import { type CallOptions, SyncThread } from './thread.ts';

/** The part of the folder to prepare, for a sandbox that is specified separately. */
export type PushScope = Omit<PrepareRequest, 'sandboxId'>;

/** An archive that is being pulled. Ends in `end`; disposing one that hasn't ended aborts it. */
export interface Reception extends AsyncDisposable {
  /** Receives the next piece. Throws if the archive is damaged or exceeds a limit. */
  take(piece: Uint8Array, options?: CallOptions): Promise<ReceiveProgress>;
  end(): Promise<Received>;
}

/** Everything that the engine's thread does, with one method for each call. */
export class WorkerClient {
  readonly #thread: SyncThread;

  constructor(options: CoreOptions, file?: string | URL) {
    this.#thread = new SyncThread(options, file);
  }

  /** Starts the thread ahead of the first call. */
  start(): void {
    this.#thread.start();
  }

  dispose(): Promise<void> {
    return this.#thread.dispose();
  }

  /** Records that the user was told what these keys stand for. */
  tell(keys: readonly string[]): Promise<void> {
    return this.#thread.call('core', 'tell', [keys]);
  }

  /** Explains why paths are synced or not. */
  explain(paths: readonly string[]): Promise<Explanation[]> {
    return this.#thread.call('core', 'explain', [paths]);
  }

  /** Returns the calls about one sandbox. */
  sandbox(sandboxId: string): SandboxClient {
    return new SandboxClient(this.#thread, sandboxId);
  }

  /** Starts receiving an archive from a sandbox. Only one is received at a time. */
  async receive(request: ReceiveRequest): Promise<Reception> {
    await this.#thread.call('receiver', 'begin', [request]);
    return new ThreadReception(this.#thread);
  }
}

/** The thread's calls for one sandbox. */
export class SandboxClient {
  readonly #thread: SyncThread;
  readonly #sandboxId: string;

  constructor(thread: SyncThread, sandboxId: string) {
    this.#thread = thread;
    this.#sandboxId = sandboxId;
  }

  /** Scans the folder and plans a push, for `open`. */
  prepare(scope: PushScope, options?: CallOptions): Promise<PreparedPush> {
    return this.#thread.call('core', 'prepare', [{ ...scope, sandboxId: this.#sandboxId }], options);
  }

  /** Plans a push without affecting the one that is prepared or under way. */
  survey(scope: PushScope, options?: CallOptions): Promise<PreparedPush> {
    return this.#thread.call('core', 'survey', [{ ...scope, sandboxId: this.#sandboxId }], options);
  }

  /** Records what an empty push found out about local files. */
  confirm(): Promise<void> {
    return this.#thread.call('core', 'confirm', [this.#sandboxId]);
  }

  /** Opens the archive of the push that was prepared last. */
  async open(options?: CallOptions): Promise<Transfer> {
    const opened = await this.#thread.call('core', 'open', [this.#sandboxId], options);
    return new ThreadTransfer(this.#thread, this.#sandboxId, opened);
  }

  /** Switches to the index of a generation. Resolves to false if no index on this computer describes it. */
  adopt(generation: Generation): Promise<boolean> {
    return this.#thread.call('core', 'adopt', [this.#sandboxId, generation]);
  }

  /** Records that the sandbox has none of the folder. */
  reset(): Promise<void> {
    return this.#thread.call('core', 'reset', [this.#sandboxId]);
  }

  /** Rebuilds the index from the sandbox's own list and manifest. Undefined if the list is incomplete. */
  reconcile(output: Uint8Array): Promise<RemoteChanges | undefined> {
    return this.#thread.call('core', 'reconcile', [this.#sandboxId, output]);
  }

  /** Compares a list of changed files with the index. Undefined if it is incomplete, `drift` at another generation. */
  changes(output: Uint8Array): Promise<RemoteChanges | 'drift' | undefined> {
    return this.#thread.call('core', 'changes', [this.#sandboxId, output]);
  }

  /** Names of folders that a list needn't include. */
  prunedFolders(): Promise<string[]> {
    return this.#thread.call('core', 'prunedFolders', [this.#sandboxId]);
  }

  /** Names of the files that tell when the last list of changes began, and the next one does. */
  stamps(): Promise<readonly [since: string, next: string]> {
    return this.#thread.call('core', 'stamps', [this.#sandboxId]);
  }

  /** Drops everything below a folder from the index. */
  forget(folder: string): Promise<void> {
    return this.#thread.call('core', 'forget', [this.#sandboxId, folder]);
  }
}

class ThreadTransfer implements Transfer {
  readonly next: Generation;
  readonly accept: readonly Generation[];
  readonly neededKiB: number;
  readonly #thread: SyncThread;
  readonly #sandboxId: string;
  #hasEnded = false;

  constructor(thread: SyncThread, sandboxId: string, { next, accept, neededKiB }: OpenedArchive) {
    this.#thread = thread;
    this.#sandboxId = sandboxId;
    this.next = next;
    this.accept = accept;
    this.neededKiB = neededKiB;
  }

  inline(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#thread.call('core', 'inline', [this.#sandboxId, maxBytes]);
  }

  nextChunk(compression: Compression): Promise<Chunk> {
    return this.#thread.call('core', 'next', [this.#sandboxId, this.next, compression]);
  }

  async commit(): Promise<Sent> {
    this.#end();
    return this.#thread.call('core', 'commit', [this.#sandboxId]);
  }

  async withdraw(): Promise<void> {
    this.#end();
    await this.#thread.call('core', 'withdraw', [this.#sandboxId]);
  }

  async abandon(): Promise<void> {
    this.#end();
    await this.#thread.call('core', 'abandon', [this.#sandboxId]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.abandon();
  }

  #end(): void {
    if (this.#hasEnded) throw new Error('the transfer has ended');
    this.#hasEnded = true;
  }
}

class ThreadReception implements Reception {
  readonly #thread: SyncThread;
  #hasEnded = false;

  constructor(thread: SyncThread) {
    this.#thread = thread;
  }

  take(piece: Uint8Array, options?: CallOptions): Promise<ReceiveProgress> {
    return this.#thread.call('receiver', 'take', [piece], options);
  }

  async end(): Promise<Received> {
    const received = await this.#thread.call('receiver', 'end', []);
    this.#hasEnded = true;
    return received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The error that led here is the one to report.
    if (!this.#hasEnded) await this.#thread.call('receiver', 'abort', []).catch(() => {});
  }
}
