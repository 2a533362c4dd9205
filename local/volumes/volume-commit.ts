/** Carries a sandbox's changes of a mounted volume over into the volume. */
import { closeSync, constants, type Stats } from 'node:fs';
import { chmod, copyFile, lchown, lstat, readdir, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Jail } from '../isolation/jail.ts';
import type { VolumeStore } from './volume-store.ts';

/** What is known of a mount's changes that were committed before, so that each is carried over once. */
export class CommittedChanges {
  readonly signatures = new Map<string, string>();
  readonly deleted = new Set<string>();
}

/** The sides of a mounted volume, as folders of this machine. */
export interface MountSides {
  /** The volume as it was mounted. */
  readonly lower: string;
  /** What was changed since: files, and marks of what was removed. */
  readonly upper: string;
  /** Both together, as the sandbox sees it. */
  readonly merged: string;
}

export interface Changes {
  /** Paths below the mount, parents first. */
  readonly puts: { file: string; stat: Stats }[];
  /** Paths that went away. */
  readonly deletes: string[];
}

const signature = (stat: Stats) => `${stat.ino} ${stat.mode} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;

/**
 * What has changed since the last commit. This only looks, by names: the sandbox may put links in the way meanwhile, so
 * whoever acts upon the answer goes through a jail.
 */
export async function findChanges(sides: MountSides, committed: CommittedChanges): Promise<Changes> {
  const search: Search = { sides, committed, puts: [], deletes: new Set(), present: new Set() };
  await inFolder('/', search);
  // What was committed and is gone again, without ever having been in the volume that was mounted.
  for (const file of committed.signatures.keys()) {
    if (search.present.has(file)) continue;
    committed.signatures.delete(file);
    search.deletes.add(file);
  }
  return { puts: search.puts, deletes: [...search.deletes] };
}

interface Search {
  readonly sides: MountSides;
  readonly committed: CommittedChanges;
  readonly puts: Changes['puts'];
  readonly deletes: Set<string>;
  /** Every path of the sandbox's own that was met. */
  readonly present: Set<string>;
}

async function inFolder(folder: string, search: Search): Promise<void> {
  const { sides, committed, puts, deletes, present } = search;
  const seen = new Set(await namesIn(join(sides.merged, folder)));
  for (const name of await namesIn(join(sides.lower, folder))) {
    const file = posix.join(folder, name);
    if (seen.has(name)) committed.deleted.delete(file);
    else if (!committed.deleted.has(file)) deletes.add(file);
  }
  for (const name of await namesIn(join(sides.upper, folder))) {
    const file = posix.join(folder, name);
    const stat = await lstat(join(sides.upper, file)).catch(() => undefined);
    // Character devices mark what was removed; other special files have no place in a volume.
    if (!stat || !seen.has(name) || !(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink())) continue;
    present.add(file);
    const before = committed.signatures.get(file);
    if (stat.isDirectory() ? before === undefined : before !== signature(stat)) puts.push({ file, stat });
    if (stat.isDirectory()) await inFolder(file, search);
  }
}

/** Names in a folder that is no link; none when there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  const stat = await lstat(folder).catch(() => undefined);
  return stat?.isDirectory() ? readdir(folder).catch(() => []) : [];
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    // Gone since it was listed.
    return undefined;
  }
}

/** Applies changes to a folder of a volume, and remembers them as committed. */
export async function applyChanges(
  volumes: VolumeStore,
  target: Jail,
  upper: Jail,
  { puts, deletes }: Changes,
  committed: CommittedChanges,
): Promise<void> {
  for (const file of deletes) {
    if (attempt(() => target.lstat(file))) target.remove(file, true);
    committed.deleted.add(file);
  }
  for (const { file, stat } of puts) {
    try {
      await put(volumes, target, upper, file, stat);
      committed.signatures.set(file, signature(stat));
    } catch (error) {
      // Removed while it was read: the next commit will tell.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

async function put(volumes: VolumeStore, target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const there = attempt(() => target.lstat(file));
  if (there && (there.isDirectory() !== stat.isDirectory() || stat.isSymbolicLink())) target.remove(file, true);
  if (stat.isDirectory()) {
    if (!there?.isDirectory()) target.mkdir(file, stat.mode & 0o7777);
  } else if (stat.isSymbolicLink()) {
    target.symlink(upper.readlink(file), file);
  } else {
    await copy(volumes, target, upper, file, stat);
  }
}

async function copy(volumes: VolumeStore, target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const source = upper.open(file);
  const fill = async (to: string) => {
    await copyFile(`/proc/self/fd/${source}`, to, constants.COPYFILE_FICLONE);
    await chmod(to, stat.mode & 0o7777);
    if (process.getuid?.() === 0) await lchown(to, stat.uid, stat.gid);
    await utimes(to, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  };
  try {
    await target.atAsync(file, false, (place) => volumes.put(place, fill));
  } finally {
    closeSync(source);
  }
}
