import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SyncedEntry, SyncIndex } from '../index/entries.ts';
import { encodeColumns } from '../index/index-columns.ts';
import type { Look, LookAheadData } from './look-ahead-thread.ts';
import type { Ahead } from './scan.ts';

/** With fewer files that nobody looked at ahead, a scan is over before a thread would help. */
const MIN_FILES = 2000;
/** How many entries further on a path is looked for, where the scan did not meet all that was sent. */
const NEAR = 64;

export interface LookAheadOptions {
  /** The thread's program. */
  readonly file?: string | URL | undefined;
  /** No thread is started for fewer. */
  readonly minFiles?: number;
}

/**
 * A second thread for scans of large trees, since most of a scan is the system's time for each file. It looks at files
 * that were sent, some way ahead of the scan, and notes which are untouched; what it has not come to when the scan
 * does, and what looks touched, is looked at by the scan. So nothing ever waits for it, and a scan finds the same without.
 */
export class LookAhead implements Ahead {
  readonly #file: string | URL;
  readonly #minFiles: number;
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  #thread: Worker | undefined;
  #hasFailed = false;
  /** What the thread knows, in its order, and the number of the last scan in which it found each untouched. */
  #known: readonly SyncedEntry[] = [];
  #untouchedIn = new Int32Array(new SharedArrayBuffer(0));
  #scan = 0;
  #at = 0;
  #unknown = 0;
  #spared = 0;

  constructor({ file = defaultFile(), minFiles = MIN_FILES }: LookAheadOptions = {}) {
    this.#file = file;
    this.#minFiles = minFiles;
  }

  /** How many files the latest scan did not have to look at by itself. */
  get spared(): number {
    return this.#spared;
  }

  /** Whether a thread was started. */
  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  /** Runs a scan below `root` with the thread at work, and tells the thread of what it did not know. */
  during<T>(root: string, index: SyncIndex, scan: (ahead: Ahead) => T): T {
    this.#scan += 1;
    this.#at = 0;
    this.#unknown = 0;
    this.#spared = 0;
    Atomics.store(this.#state, 1, 0);
    Atomics.store(this.#state, 0, this.#scan);
    if (this.#known.length > 0) this.#post({ scan: this.#scan, root });
    try {
      return scan(this);
    } finally {
      Atomics.store(this.#state, 0, 0);
      if (!this.#hasFailed && this.#unknown > Math.max(this.#minFiles, this.#known.length / 8)) this.#learn(index);
    }
  }

  isUntouched(synced: SyncedEntry): boolean {
    for (let at = this.#at; at < this.#at + NEAR && at < this.#known.length; at += 1) {
      if (this.#known[at] !== synced) continue;
      this.#at = at + 1;
      Atomics.store(this.#state, 1, at);
      if (Atomics.load(this.#untouchedIn, at) !== this.#scan) return false;
      this.#spared += 1;
      return true;
    }
    this.#unknown += 1;
    return false;
  }

  #learn(index: SyncIndex): void {
    this.#known = [...index.entries.values()];
    this.#untouchedIn = new Int32Array(new SharedArrayBuffer(4 * this.#known.length));
    const [columns, count] = [encodeColumns(this.#known), this.#known.length];
    this.#post({ columns, count, untouchedIn: this.#untouchedIn });
  }

  #post(look: Look): void {
    this.#thread ??= this.#started();
    this.#thread?.postMessage(look);
  }

  /** Undefined where no thread can be had: then the scan does all by itself. */
  #started(): Worker | undefined {
    if (this.#hasFailed) return undefined;
    const fail = () => {
      this.#hasFailed = true;
      this.#thread = undefined;
      this.#known = [];
    };
    try {
      const workerData: LookAheadData = { state: this.#state };
      const thread = new Worker(this.#file, {
        workerData,
        execArgv: [],
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      });
      thread.on('error', fail);
      thread.on('exit', fail);
      thread.unref();
      return thread;
    } catch {
      fail();
      return undefined;
    }
  }
}

/** The thread's program: beside the bundle when there is one, else the source. */
function defaultFile(): string | URL {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  return folder ? join(folder, 'sync-look-ahead.cjs') : new URL('./look-ahead-thread.ts', import.meta.url);
}
