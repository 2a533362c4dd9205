import { parentOf, type SyncedEntry, SyncIndex } from '../index/entries.ts';
import { interruptedGeneration } from '../index/generation.ts';
import { tarSeconds } from '../push/tar.ts';
import type { Rules } from '../rules/rules.ts';
import type { RemoteEntry, RemoteListing } from './list-script.ts';
import { type ManifestEntry, pathsIn, readManifest } from './manifest.ts';

/** The differences between a sandbox and what was synced to it. */
export interface RemoteChanges {
  /** Synced files that a program has changed. */
  readonly modified: readonly string[];
  /** Files that exist only in the sandbox and aren't excluded by a rule. */
  readonly created: readonly string[];
  /** Synced files that a program has deleted. */
  readonly deleted: readonly string[];
}

/** An index rebuilt from a sandbox's own manifest and list, and how the two differ. */
export interface Reconciled {
  readonly index: SyncIndex;
  readonly changes: RemoteChanges;
}

/**
 * Rebuilds the index of a sandbox that is at an unknown generation. `previous` is the index so far, so that local files
 * that haven't changed since needn't be hashed. Undefined if the sandbox's manifest is unusable.
 */
export function reconcile(listing: RemoteListing, previous: SyncIndex, rules: Rules): Reconciled | undefined {
  const manifest = readManifest(listing.manifest);
  if (!manifest) return undefined;
  const uncertain = uncertainIn(listing);
  const index = new SyncIndex();
  const modified: string[] = [];
  const deleted: string[] = [];
  for (const [path, recorded] of manifest) {
    const listed = listing.paths.get(path);
    if (!listed) {
      // A folder that is no longer empty isn't listed as an entry.
      if (recorded.kind !== 'folder' && !uncertain.has(path)) deleted.push(path);
      continue;
    }
    const agrees = isSame(listed, recorded);
    if (!agrees && !uncertain.has(path)) modified.push(path);
    index.set(syncedEntryFrom(recorded, listed, previous.get(path), !agrees || uncertain.has(path)));
  }
  for (const path of uncertain) {
    const listed = listing.paths.get(path);
    if (!listed || manifest.has(path) || index.childCount(path) > 0) continue;
    index.set(syncedEntryFrom({ path, hash: '', ...listed }, listed, undefined, true));
  }
  const created = createdAmong(listing, (path) => index.get(path) !== undefined, rules);
  return { index, changes: { modified, created, deleted } };
}

/**
 * Returns the paths of a push that was interrupted. Its file is added to the manifest before anything else changes, so
 * what it records may not be true yet: a file may still be the old one, and a deleted one may still exist.
 */
function uncertainIn({ generation, manifest }: RemoteListing): ReadonlySet<string> {
  const unfinished = interruptedGeneration(generation);
  return unfinished === undefined ? new Set() : pathsIn(manifest, unfinished);
}

/** Compares a list of what has changed in the sandbox with the index. */
export function findChanges(listing: RemoteListing, index: SyncIndex, rules: Rules): RemoteChanges {
  const modified: string[] = [];
  for (const [path, listed] of listing.paths) {
    const synced = index.get(path);
    if (synced && !isSame(listed, { ...synced, seconds: tarSeconds(synced.mtimeMs) })) modified.push(path);
  }
  const folders = new Set(listing.folders);
  const deleted: string[] = [];
  for (const { path } of index.entries.values()) {
    if (listing.paths.has(path) || listing.children.has(path)) continue;
    // If a whole folder was deleted, only its parent lists the change.
    for (let child = path; child !== ''; child = parentOf(child)) {
      if (!folders.has(parentOf(child))) continue;
      if (!listing.children.has(child)) deleted.push(path);
      break;
    }
  }
  const created = createdAmong(listing, (path) => index.get(path) !== undefined, rules);
  return { modified, created, deleted };
}

/** Returns the files and links that exist only in the sandbox and aren't excluded. */
function createdAmong(listing: RemoteListing, isSynced: (path: string) => boolean, rules: Rules): string[] {
  const folders = new Map<string, boolean>();
  const isOpen = (folder: string): boolean => {
    const cached = folders.get(folder);
    if (cached !== undefined) return cached;
    const open = folder === '' || (isOpen(parentOf(folder)) && rules.explainName(folder, true).included);
    folders.set(folder, open);
    return open;
  };
  return [...listing.paths]
    .filter(([path, { kind }]) => kind !== 'folder' && !isSynced(path) && isOpen(parentOf(path)))
    .map(([path]) => path)
    .filter((path) => rules.explainName(path, false).included);
}

function isSame(
  listed: RemoteEntry,
  { kind, executable, size, seconds }: Omit<ManifestEntry, 'path' | 'hash'>,
): boolean {
  if (listed.kind !== kind) return false;
  // Not every tar can set the time of a link, and a folder's time changes with its contents.
  if (kind !== 'file') return true;
  return listed.executable === executable && listed.size === size && listed.seconds === seconds;
}

function syncedEntryFrom(
  recorded: ManifestEntry,
  listed: RemoteEntry,
  previous: SyncedEntry | undefined,
  uncertain: boolean,
): SyncedEntry {
  const { path, hash } = recorded;
  const isUnchanged = previous?.kind === 'file' && listed.kind === 'file' && previous.hash === hash && hash !== '';
  if (isUnchanged && !uncertain) return { ...previous, executable: listed.executable, uncertain: false };
  return {
    path,
    kind: listed.kind,
    executable: listed.executable,
    size: listed.kind === 'file' ? listed.size : 0,
    mtimeMs: 0,
    ctimeMs: 0,
    ino: 0,
    hash: listed.kind === 'file' ? hash : '',
    racy: false,
    // The target of a link isn't listed. Sending it again costs nothing.
    uncertain: uncertain || listed.kind === 'link',
  };
}
