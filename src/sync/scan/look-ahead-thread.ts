/** The thread behind `look-ahead.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SyncedEntry } from '../index/entries.ts';
import { IndexColumns } from '../index/index-columns.ts';
import { readEntry } from './read-entry.ts';

export interface LookAheadData {
  /** The number of the scan under way, 0 between scans; and which entry it has come to. */
  readonly state: Int32Array<SharedArrayBuffer>;
}

export type Look =
  /** What was sent, as `encodeColumns` makes it; for each entry the last scan in which it was found untouched. */
  | { readonly columns: Uint8Array; readonly count: number; readonly untouchedIn: Int32Array<SharedArrayBuffer> }
  /** A scan has begun. */
  | { readonly scan: number; readonly root: string };

/** Entries between this thread and the scan, so that they do not look at the same file. */
const DISTANCE = 64;
const STEP = 8;

const { state } = workerData as LookAheadData;
let synced: IndexColumns | undefined;
let untouchedIn = new Int32Array(new SharedArrayBuffer(0));

parentPort?.on('message', (look: Look) => {
  if ('scan' in look) {
    if (synced) lookAt(synced, look.root, look.scan);
    return;
  }
  synced = IndexColumns.of(Buffer.from(look.columns), look.count);
  untouchedIn = look.untouchedIn;
});

/** Goes on until the scan is over. The scan is the faster one where this thread was, so it keeps its distance anew. */
function lookAt(entries: IndexColumns, root: string, scan: number): void {
  for (let at = DISTANCE; at < entries.count; at += 1) {
    if (at % STEP === 0) {
      if (Atomics.load(state, 0) !== scan) return;
      const reached = Atomics.load(state, 1);
      if (at < reached + STEP) at = reached + DISTANCE;
    }
    if (at < entries.count && isUntouched(root, entries.at(at))) Atomics.store(untouchedIn, at, scan);
  }
}

function isUntouched(root: string, entry: SyncedEntry): boolean {
  try {
    return readEntry(root, entry.path, entry) === entry;
  } catch {
    return false;
  }
}
