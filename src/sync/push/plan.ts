import {
  type Entry,
  isRacy,
  isWithin,
  looksChanged,
  parentOf,
  type SyncedEntry,
  type SyncIndex,
} from '../index/entries.ts';
import { foldersOf } from '../rules/git-index.ts';
import type { Scan } from '../scan/scan.ts';

/** The steps that make a sandbox's folder equal to the local one. A plain value: creating it has no side effects. */
export interface Plan {
  /** Entries to send. */
  readonly puts: readonly Entry[];
  /** Bytes of the files among them. */
  readonly putBytes: number;
  /** Files and links to delete. */
  readonly deletes: readonly string[];
  /** Folders to remove if nothing is left in them, deepest first. */
  readonly emptied: readonly string[];
  /** Paths that are no longer synced: they leave the index and stay in the sandbox. */
  readonly released: readonly string[];
  /** Unchanged files with another inode or time: only the index is updated. */
  readonly refreshed: readonly SyncedEntry[];
  /** Entries that are due, but that the request leaves to another push. */
  readonly heldBack: readonly Entry[];
}

/** Compares the index of a sandbox with a scan of the local folder. */
export function makePlan(index: SyncIndex, scan: Scan): Plan {
  const puts: Entry[] = [];
  const refreshed: SyncedEntry[] = [];
  const retyped: SyncedEntry[] = [];
  let foundAgain = 0;
  for (const entry of scan.entries) {
    if (isUntouched(entry)) {
      foundAgain += 1;
      continue;
    }
    const synced = index.get(entry.path);
    if (synced) foundAgain += 1;
    if (!synced || needsPut(synced, entry, scan.hashes)) {
      puts.push(entry);
      if (synced) retyped.push(...asEachKind(synced).filter(({ kind }) => kind !== entry.kind));
    } else if (entry.kind === 'file' && looksChanged(synced, entry))
      refreshed.push({ ...synced, ...entry, racy: isRacy(entry, scan.startedAtMs) });
  }
  // A scan of the whole folder lists each path once, so comparing counts shows that everything was found again.
  const isAllThere = !scan.scope && foundAgain === index.size;
  const missing = isAllThere ? [] : missingOf(index, scan);
  const isReleased = covers(scan.released);
  const isUnknown = covers(scan.unreadable);
  const released = missing.filter(({ path }) => isReleased(path));
  const gone = missing.filter(({ path }) => !isReleased(path) && !isUnknown(path));
  const removed = [...gone.flatMap(asEachKind), ...retyped];
  const folders = puts.filter(({ kind }) => kind === 'folder');
  const kept = new Set([...foldersOf(puts.map(({ path }) => path)), ...folders.map(({ path }) => path)]);
  const filled = gone.filter(({ path, kind }) => kind === 'folder' && kept.has(path));
  return {
    puts,
    putBytes: puts.reduce((bytes, { size }) => bytes + size, 0),
    deletes: [...new Set(removed.filter(({ kind }) => kind !== 'folder').map(({ path }) => path))],
    emptied: emptiedBy(removed, index, kept),
    released: [...released, ...filled].map(({ path }) => path),
    refreshed,
    heldBack: [],
  };
}

/** Returns true if a plan neither sends nor deletes anything. */
export function isEmpty(plan: Plan): boolean {
  return plan.puts.length === 0 && plan.deletes.length === 0 && plan.emptied.length === 0;
}

/** Returns the entry once for each kind that it may have in the sandbox. */
function asEachKind(synced: SyncedEntry): SyncedEntry[] {
  return [...new Set([synced.kind, ...(synced.possibleKinds ?? [])])].map((kind) =>
    kind === synced.kind ? synced : { ...synced, kind },
  );
}

/** Returns true if the entry is the index's own, as a scan returns it for an unchanged file. */
function isUntouched(entry: Entry): entry is SyncedEntry {
  return 'hash' in entry;
}

function needsPut(synced: SyncedEntry, entry: Entry, hashes: ReadonlyMap<string, string>): boolean {
  if (synced.uncertain || synced.kind !== entry.kind || synced.executable !== entry.executable) return true;
  if (entry.kind === 'link') return synced.target !== entry.target;
  if (entry.kind === 'folder' || !looksChanged(synced, entry)) return false;
  return hashes.get(entry.path) !== synced.hash;
}

/** Returns the entries of the index within the scan's scope that the scan didn't find. */
function missingOf(index: SyncIndex, { scope, entries }: Scan): SyncedEntry[] {
  const found = new Set(entries.map(({ path }) => path));
  const isMissing = ({ path }: SyncedEntry) => !found.has(path);
  if (!scope) return [...index.entries.values()].filter(isMissing);
  const folders = scope.filter((path) => !index.get(path) || index.childCount(path) > 0);
  const direct = scope.flatMap((path) => index.get(path) ?? []);
  const parents = scope.flatMap((path) => index.get(parentOf(path)) ?? []);
  const below = folders.some((path) => path === '' || index.hasFolder(path))
    ? [...index.entries.values()].filter(({ path }) => folders.some((folder) => isWithin(path, folder)))
    : [];
  return [...new Set([...direct, ...parents, ...below])].filter(isMissing);
}

/** Returns a function that checks if a path is one of these or below one. */
function covers(paths: readonly string[]): (path: string) => boolean {
  const tops = new Set(paths);
  return (path) => {
    if (tops.size === 0) return false;
    for (let at = path; at !== ''; at = parentOf(at)) if (tops.has(at)) return true;
    return tops.has('');
  };
}

/** Returns the folders that lose their last child and aren't created again. */
function emptiedBy(removed: readonly SyncedEntry[], index: SyncIndex, kept: ReadonlySet<string>): string[] {
  const emptied = new Set<string>();
  const lost = new Map<string, number>();
  for (const { path, kind } of removed) if (kind === 'folder' && !kept.has(path)) emptied.add(path);
  for (const path of new Set(removed.map(({ path }) => path))) {
    for (let child = path; child !== ''; child = parentOf(child)) {
      const parent = parentOf(child);
      const count = (lost.get(parent) ?? 0) + 1;
      lost.set(parent, count);
      if (parent === '' || count < index.childCount(parent) || kept.has(parent)) break;
      emptied.add(parent);
    }
  }
  return [...emptied].sort((one, other) => other.split('/').length - one.split('/').length || (one < other ? 1 : -1));
}

/**
 * Returns what to rename into place for the paths that are sent: each path, or the topmost folder above it that the
 * sandbox doesn't have.
 */
export function movesOf(paths: readonly string[], index: SyncIndex): string[] {
  const moves = new Set<string>();
  for (const path of paths) {
    let move = path;
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (!moves.has(folder) && index.hasFolder(folder)) continue;
      move = folder;
      break;
    }
    moves.add(move);
  }
  return [...moves];
}
