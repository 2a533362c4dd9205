import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SyncedEntry, SyncIndex } from '../index/entries.ts';
import { encodeColumns } from '../index/index-columns.ts';
import type { LookAheadData, LookAheadMessage } from './look-ahead-thread.ts';
import type { AheadChecks } from './scan.ts';

/** With fewer unchecked files, a scan finishes before a thread would help. */
const MIN_FILES = 2000;
/** Entries searched ahead if the scan skipped some entries of the index. */
const MAX_SKIPPED_ENTRIES = 64;

export interface LookAheadOptions {
  /** The program of the thread. */
  readonly file?: string | URL | undefined;
  /** The thread is started only for more files than this. */
  readonly minFiles?: number;
}

/**
 * A second thread for scans of large folders, because most of a scan is the system's time for each file. It checks
 * synced files some way ahead of the scan, and records which look unchanged. Whatever it hasn't reached in time, and
 * whatever looks changed, the scan checks itself. So nothing ever waits for the thread, and the result is the same
 * without it.
 */
export class LookAhead implements AheadChecks {
  readonly #file: string | URL;
  readonly #minFiles: number;
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  #thread: Worker | undefined;
  #hasFailed = false;
  /** The entries that the thread has, in its order; and for each, the last scan in which it looked unchanged. */
  #known: readonly SyncedEntry[] = [];
  #untouchedIn = new Int32Array(new SharedArrayBuffer(0));
  #scan = 0;
  #at = 0;
  #missing = 0;
  #savedChecks = 0;

  constructor({ file = defaultFile(), minFiles = MIN_FILES }: LookAheadOptions = {}) {
    this.#file = file;
    this.#minFiles = minFiles;
  }

  /** The number of files that the latest scan didn't have to check itself. */
  get savedChecks(): number {
    return this.#savedChecks;
  }

  /** True while the thread is running. */
  get hasThread(): boolean {
    return this.#thread !== undefined;
  }

  /** Runs a scan below `root` while the thread checks files ahead. Then gives the thread the entries that it lacked. */
  assist<T>(root: string, index: SyncIndex, scan: (ahead: AheadChecks) => T): T {
    this.#scan += 1;
    this.#at = 0;
    this.#missing = 0;
    this.#savedChecks = 0;
    Atomics.store(this.#state, 1, 0);
    Atomics.store(this.#state, 0, this.#scan);
    if (this.#known.length > 0) this.#post({ scan: this.#scan, root });
    try {
      return scan(this);
    } finally {
      Atomics.store(this.#state, 0, 0);
      if (!this.#hasFailed && this.#missing > Math.max(this.#minFiles, this.#known.length / 8)) this.#update(index);
    }
  }

  isUntouched(synced: SyncedEntry): boolean {
    for (let at = this.#at; at < this.#at + MAX_SKIPPED_ENTRIES && at < this.#known.length; at += 1) {
      if (this.#known[at] !== synced) continue;
      this.#at = at + 1;
      Atomics.store(this.#state, 1, at);
      if (Atomics.load(this.#untouchedIn, at) !== this.#scan) return false;
      this.#savedChecks += 1;
      return true;
    }
    this.#missing += 1;
    return false;
  }

  #update(index: SyncIndex): void {
    this.#known = [...index.entries.values()];
    this.#untouchedIn = new Int32Array(new SharedArrayBuffer(4 * this.#known.length));
    const [columns, count] = [encodeColumns(this.#known), this.#known.length];
    this.#post({ columns, count, untouchedIn: this.#untouchedIn });
  }

  #post(message: LookAheadMessage): void {
    this.#thread ??= this.#started();
    this.#thread?.postMessage(message);
  }

  /** Undefined if the thread can't be started. Then scans check all files themselves. */
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

/** The thread's program: next to the bundle if there is one, otherwise the source. */
function defaultFile(): string | URL {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  return folder ? join(folder, 'sync-look-ahead.cjs') : new URL('./look-ahead-thread.ts', import.meta.url);
}
