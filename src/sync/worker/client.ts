import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PullReceiver } from '../pull/pull-receiver.ts';
import type { Core, CoreOptions } from './core.ts';
import type { Answer, Call, WorkerData } from './worker.ts';

type Api = Core & PullReceiver;
type Method = { [Name in keyof Api]: Api[Name] extends (...args: never[]) => unknown ? Name : never }[keyof Api];
type Args<Name extends Method> = Api[Name] extends (...args: infer List) => unknown ? List : never;
type Value<Name extends Method> = Api[Name] extends (...args: never[]) => infer Result ? Awaited<Result> : never;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called while the tree is read, with the entries found so far. */
  readonly onFiles?: ((files: number) => void) | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly onFiles: ((files: number) => void) | undefined;
}

/** A `Core` and a `PullReceiver` in a thread of their own, started at the first call. */
export class WorkerClient {
  readonly #data: WorkerData;
  readonly #cancelled: Int32Array;
  readonly #file: string | URL;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(options: CoreOptions, file: string | URL = defaultFile()) {
    const cancelled = new SharedArrayBuffer(4);
    this.#cancelled = new Int32Array(cancelled);
    this.#data = { options, cancelled };
    this.#file = file;
  }

  /** Starts the thread, so that the first call need not wait for it. */
  start(): void {
    this.#started();
  }

  /** Calls a method over there. Throws its error, or the signal's reason as soon as it is aborted. */
  call<Name extends Method>(method: Name, args: Args<Name>, options: CallOptions = {}): Promise<Value<Name>> {
    const { signal, onFiles } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const worker = this.#started();
    this.#lastId += 1;
    const id = this.#lastId;
    const result = new Promise<unknown>((resolve, reject) => {
      const cancel = () => {
        Atomics.store(this.#cancelled, 0, id);
        reject(signal?.reason);
      };
      const settle = () => signal?.removeEventListener('abort', cancel);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#waiting.set(id, {
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        onFiles,
      });
    });
    // While it works it must keep the script alive.
    worker.ref();
    worker.postMessage({ id, method, args } satisfies Call);
    return result as Promise<Value<Name>>;
  }

  async dispose(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#failAll(new Error('The sync engine was closed.'));
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#file, {
      workerData: this.#data,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    // Idle threads must not keep a script from ending.
    worker.unref();
    worker.on('message', (answer: Answer) => this.#take(answer));
    worker.on('error', (error) => this.#failAll(error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#failAll(new Error('The sync thread has ended.'));
    });
    this.#worker = worker;
    return worker;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('files' in answer) {
      waiting?.onFiles?.(answer.files);
      return;
    }
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('value' in answer) waiting?.resolve(answer.value);
    else waiting?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  }

  #failAll(error: unknown): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(error);
  }
}

/** The thread's program: beside the bundle when there is one, else the source. */
function defaultFile(): string | URL {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  return folder ? join(folder, 'sync-worker.cjs') : new URL('./worker.ts', import.meta.url);
}
