import { parentOf, type SyncedEntry, SyncIndex } from '../index/entries.ts';
import { interruptedGeneration } from '../index/generation.ts';
import { tarSeconds } from '../push/tar.ts';
import type { Rules } from '../rules/rules.ts';
import type { RemoteEntry, RemoteListing } from './list-script.ts';
import { type ManifestEntry, pathsIn, readManifest } from './manifest.ts';

/** What differs in a sandbox from what was sent to it. */
export interface RemoteChanges {
  /** Synced files that a program changed. */
  readonly modified: readonly string[];
  /** Files that only the sandbox has and no rule leaves out. */
  readonly created: readonly string[];
  /** Synced files that a program deleted. */
  readonly deleted: readonly string[];
}

/** What a sandbox holds, made from its own manifest and list, and how that differs from the manifest. */
export interface Reconciled {
  readonly index: SyncIndex;
  readonly changes: RemoteChanges;
}

/**
 * Finds out what a sandbox holds that is not at the generation we know. `known` is whatever is known of the local files,
 * so that those that did not change since need no hashing. Undefined when the sandbox's manifest does not tell.
 */
export function reconcile(listing: RemoteListing, known: SyncIndex, rules: Rules): Reconciled | undefined {
  const manifest = readManifest(listing.manifest);
  if (!manifest) return undefined;
  const doubtful = doubtfulIn(listing);
  const index = new SyncIndex();
  const modified: string[] = [];
  const deleted: string[] = [];
  for (const [path, recorded] of manifest) {
    const listed = listing.paths.get(path);
    if (!listed) {
      // A folder that is not empty any more is no entry of its own.
      if (recorded.kind !== 'folder' && !doubtful.has(path)) deleted.push(path);
      continue;
    }
    const agrees = isSame(listed, recorded);
    if (!agrees && !doubtful.has(path)) modified.push(path);
    index.set(syncedEntryFrom(recorded, listed, known.get(path), !agrees || doubtful.has(path)));
  }
  for (const path of doubtful) {
    const listed = listing.paths.get(path);
    if (!listed || manifest.has(path) || index.childCount(path) > 0) continue;
    index.set(syncedEntryFrom({ path, hash: '', ...listed }, listed, undefined, true));
  }
  const created = createdAmong(listing, (path) => index.get(path) !== undefined, rules);
  return { index, changes: { modified, created, deleted } };
}

/**
 * Paths of a push that ended in its middle. Its file is in the manifest before anything else is done, so what it says
 * of them is not known to be true: a file may still be as it was before, and one that it deletes may still be there.
 */
function doubtfulIn({ generation, manifest }: RemoteListing): ReadonlySet<string> {
  const unfinished = interruptedGeneration(generation);
  return unfinished === undefined ? new Set() : pathsIn(manifest, unfinished);
}

/** Compares a list of what is newer in the sandbox with what was sent. */
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
    // A folder that is gone as a whole shows in the folder above it only.
    for (let child = path; child !== ''; child = parentOf(child)) {
      if (!folders.has(parentOf(child))) continue;
      if (!listing.children.has(child)) deleted.push(path);
      break;
    }
  }
  const created = createdAmong(listing, (path) => index.get(path) !== undefined, rules);
  return { modified, created, deleted };
}

/** Paths of the sandbox's own: files and links that rules do not leave out. */
function createdAmong(listing: RemoteListing, isSynced: (path: string) => boolean, rules: Rules): string[] {
  const folders = new Map<string, boolean>();
  const isOpen = (folder: string): boolean => {
    const kept = folders.get(folder);
    if (kept !== undefined) return kept;
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
  // Not every tar can set the time of a link, and folders have times of their own.
  if (kind !== 'file') return true;
  return listed.executable === executable && listed.size === size && listed.seconds === seconds;
}

function syncedEntryFrom(
  recorded: ManifestEntry,
  listed: RemoteEntry,
  known: SyncedEntry | undefined,
  uncertain: boolean,
): SyncedEntry {
  const { path, hash } = recorded;
  const isKnown = known?.kind === 'file' && listed.kind === 'file' && known.hash === hash && hash !== '';
  if (isKnown && !uncertain) return { ...known, executable: listed.executable, uncertain: false };
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
    // What a link points to is not listed; sending it again costs nothing.
    uncertain: uncertain || listed.kind === 'link',
  };
}
