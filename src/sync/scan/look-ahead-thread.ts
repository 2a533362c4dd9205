/** The program of the thread behind `look-ahead.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SyncedEntry } from '../index/entries.ts';
import { IndexColumns } from '../index/index-columns.ts';
import { readEntry } from './read-entry.ts';

export interface LookAheadData {
  /** The number of the scan in progress, 0 between scans; and the number of the entry that it has reached. */
  readonly state: Int32Array<SharedArrayBuffer>;
}

export type LookAheadMessage =
  /** The index, encoded with `encodeColumns`; and for each entry, the last scan in which it looked unchanged. */
  | { readonly columns: Uint8Array; readonly count: number; readonly untouchedIn: Int32Array<SharedArrayBuffer> }
  /** A scan has started. */
  | { readonly scan: number; readonly root: string };

/** Entries between this thread and the scan, so that they don't check the same file. */
const LEAD_ENTRIES = 64;
/** Entries between two checks of how far the scan is. */
const STEP_ENTRIES = 8;

class LookAheadProgram {
  readonly #state: Int32Array<SharedArrayBuffer>;
  #entries: IndexColumns | undefined;
  #untouchedIn = new Int32Array(new SharedArrayBuffer(0));

  constructor({ state }: LookAheadData) {
    this.#state = state;
  }

  take(message: LookAheadMessage): void {
    if ('scan' in message) this.#check(message.root, message.scan);
    else {
      this.#entries = IndexColumns.of(Buffer.from(message.columns), message.count);
      this.#untouchedIn = message.untouchedIn;
    }
  }

  /**
   * Checks entries until the scan is over. The scan is faster where this thread has been, so the thread restores its
   * lead whenever the scan catches up.
   */
  #check(root: string, scan: number): void {
    const count = this.#entries?.count ?? 0;
    for (let at = LEAD_ENTRIES; at < count; at += 1) {
      if (at % STEP_ENTRIES === 0) {
        if (Atomics.load(this.#state, 0) !== scan) return;
        const reached = Atomics.load(this.#state, 1);
        if (at < reached + STEP_ENTRIES) at = reached + LEAD_ENTRIES;
      }
      const entry = at < count ? this.#entries?.at(at) : undefined;
      if (entry && isUntouched(root, entry)) Atomics.store(this.#untouchedIn, at, scan);
    }
  }
}

function isUntouched(root: string, entry: SyncedEntry): boolean {
  try {
    return readEntry(root, entry.path, entry) === entry;
  } catch {
    return false;
  }
}

const program = new LookAheadProgram(workerData as LookAheadData);
parentPort?.on('message', (message: LookAheadMessage) => program.take(message));
