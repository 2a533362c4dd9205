import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { configuredTranslations } from '../../base/localization.ts';
import { reportUnsaved } from '../../base/unsaved.ts';
import { strings } from '../strings.ts';
import type { Answer, Call, CallArgs, CallError, CallName, CallResult, TableName } from './calls.ts';
import type { CoreOptions } from './core.ts';
import type { WorkerData } from './worker.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called while the folder is being scanned, with the number of entries found so far. */
  readonly onFiles?: ((files: number) => void) | undefined;
  /** Called when the thread has been silent for some seconds, as if the drive with the folder didn't answer. */
  readonly onSilence?: (() => void) | undefined;
}

/** The time between two signs of life of a thread whose drive answers. */
const SILENCE_MS = 5_000;

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly onFiles: ((files: number) => void) | undefined;
  readonly silence: NodeJS.Timeout | undefined;
}

/**
 * The engine's thread, with a `Core` and a `PullReceiver` in it. Started by the first call, and again after it has
 * stopped.
 */
export class SyncThread {
  readonly #options: CoreOptions;
  readonly #canceled = new SharedArrayBuffer(4);
  readonly #canceledCall = new Int32Array(this.#canceled);
  readonly #file: string | URL;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(options: CoreOptions, file: string | URL = defaultFile()) {
    this.#options = options;
    this.#file = file;
  }

  /** Starts the thread ahead of the first call. */
  start(): void {
    this.#started();
  }

  /** Makes a call. Throws its error, or the signal's reason as soon as it is aborted. */
  call<Table extends TableName, Name extends CallName<Table>>(
    table: Table,
    name: Name,
    args: CallArgs<Table, Name>,
    { signal, onFiles, onSilence }: CallOptions = {},
  ): Promise<CallResult<Table, Name>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const worker = this.#started();
    this.#lastId += 1;
    const id = this.#lastId;
    const result = new Promise<unknown>((resolve, reject) => {
      const cancel = () => {
        Atomics.store(this.#canceledCall, 0, id);
        clearTimeout(silence);
        reject(signal?.reason);
      };
      const silence = onSilence && setTimeout(onSilence, SILENCE_MS);
      const settle = () => {
        clearTimeout(silence);
        signal?.removeEventListener('abort', cancel);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, {
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        onFiles,
        silence,
      });
    });
    // A call in progress must keep the process alive.
    worker.ref();
    worker.postMessage({ id, table, name, args } as Call);
    return result as Promise<CallResult<Table, Name>>;
  }

  async dispose(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#failAll(new Error(strings.engineDisposed()));
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const workerData: WorkerData = {
      options: this.#options,
      canceled: this.#canceled,
      translations: configuredTranslations(),
    };
    const worker = new Worker(this.#file, {
      workerData,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    // An idle thread must not keep the process alive.
    worker.unref();
    worker.on('message', (answer: Answer) => this.#take(answer));
    worker.on('error', (error) => this.#failAll(error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#failAll(new Error(strings.threadStopped()));
    });
    this.#worker = worker;
    return worker;
  }

  #take(answer: Answer): void {
    if ('unsaved' in answer) {
      reportUnsaved(new Error(answer.unsaved));
      return;
    }
    for (const { silence } of this.#pending.values()) silence?.refresh();
    const call = this.#pending.get(answer.id);
    if ('files' in answer) {
      call?.onFiles?.(answer.files);
      return;
    }
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker?.unref();
    if ('value' in answer) call?.resolve(answer.value);
    else call?.reject(errorOf(answer.error));
  }

  #failAll(error: unknown): void {
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of calls) reject(error);
  }
}

function errorOf({ message, code, isForUser }: CallError): Error {
  return isForUser ? new UserError(message) : Object.assign(new Error(message), { code });
}

/** The thread's program: next to the bundle if there is one, otherwise the source. */
function defaultFile(): string | URL {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  return folder ? join(folder, 'sync-worker.cjs') : new URL('./worker.ts', import.meta.url);
}
