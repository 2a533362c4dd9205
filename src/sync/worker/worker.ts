/** The program of the thread that reads the local folder, one for each engine. Answers the calls of `thread.ts`. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { configureLocalization, type Translations } from '../../base/localization.ts';
import { PullReceiver } from '../pull/pull-receiver.ts';
import { requireSyncableRoot } from '../scan/syncable-root.ts';
import { type Answer, type Call, CORE_CALLS, RECEIVER_CALLS } from './calls.ts';
import { Core, type CoreOptions } from './core.ts';

export interface WorkerData {
  readonly options: CoreOptions;
  /** The ID of the latest call that was canceled. */
  readonly canceled: SharedArrayBuffer;
  readonly translations: Translations | undefined;
}

type Handler<Target> = (target: Target, ...args: readonly unknown[]) => unknown;

const PROGRESS_INTERVAL_MS = 100;

class ThreadProgram {
  readonly #port: MessagePort;
  readonly #options: CoreOptions;
  readonly #canceledCall: Int32Array;
  #core: Core | undefined;
  #receiver: PullReceiver | undefined;
  /** Answers calls one after another, though some of them await. */
  #queue = Promise.resolve();
  #currentId = 0;
  #reportedAt = 0;

  constructor(port: MessagePort, { options, canceled }: WorkerData) {
    this.#port = port;
    this.#options = options;
    this.#canceledCall = new Int32Array(canceled);
    port.on('message', (call: Call) => {
      this.#queue = this.#queue.then(() => this.#answer(call));
    });
  }

  async #answer(call: Call): Promise<void> {
    const { id } = call;
    this.#currentId = id;
    try {
      this.#checkpoint(0);
      const value = await this.#run(call);
      const bytes = (value as { bytes?: unknown } | undefined)?.bytes;
      const isOwned = bytes instanceof Uint8Array && bytes.byteOffset === 0 && bytes.length > 64 * 1024;
      this.#post({ id, value }, isOwned ? [bytes.buffer as ArrayBuffer] : []);
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      this.#post({ id, error: { message, code, isForUser: error instanceof UserError } });
    }
  }

  /** The client's types hold the arguments to those of the table. */
  #run(call: Call): unknown {
    // A network drive that doesn't answer must not stop the main thread.
    if (call.name === 'prepare' || call.name === 'survey') requireSyncableRoot(this.#options.root);
    if (call.table === 'core') return (CORE_CALLS[call.name] as Handler<Core>)(this.#openCore(), ...call.args);
    return (RECEIVER_CALLS[call.name] as Handler<PullReceiver>)(this.#openReceiver(), ...call.args);
  }

  #post(answer: Answer, transferred: ArrayBuffer[] = []): void {
    this.#port.postMessage(answer, transferred);
  }

  /** Throws if the current call was canceled. Earlier calls may belong to another sandbox, so they aren't affected. */
  #checkpoint(files: number): void {
    if (Atomics.load(this.#canceledCall, 0) === this.#currentId) throw new Error('canceled');
    const now = performance.now();
    if (now - this.#reportedAt < PROGRESS_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.#post({ id: this.#currentId, files });
  }

  /** Created by the first call, so that a missing folder fails that call and not the thread. */
  #openCore(): Core {
    this.#core ??= new Core(
      this.#options,
      (files) => this.#checkpoint(files),
      (error) => this.#post({ unsaved: String(error) }),
    );
    return this.#core;
  }

  /** Runs in this thread because it asks the core about each path. */
  #openReceiver(): PullReceiver {
    this.#receiver ??= new PullReceiver(this.#openCore());
    return this.#receiver;
  }
}

configureLocalization((workerData as WorkerData).translations);
if (parentPort) new ThreadProgram(parentPort, workerData as WorkerData);
