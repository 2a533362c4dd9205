/** Commits a sandbox's changes to a mounted volume. */
import { closeSync, constants, createReadStream, createWriteStream, type Stats } from 'node:fs';
import { chmod, copyFile, lchown, lstat, readdir, utimes } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Jail } from '../isolation/jail.ts';
import type { VolumeStore } from './volume-store.ts';

const COPY_BYTES = 1024 * 1024;

/** The changes of a mount that have been committed, so that each is committed only once. */
export class CommittedChanges {
  readonly signatures = new Map<string, string>();
  readonly deleted = new Set<string>();
}

/** The layers of a mounted volume, as host folders. */
export interface MountLayers {
  /** The volume as it was mounted. */
  readonly lower: string;
  /** The changes since: files, and markers for removed files. */
  readonly upper: string;
  /** Both combined, as the sandbox sees it. */
  readonly merged: string;
}

export interface Changes {
  /** Paths relative to the mount, parents first. */
  readonly puts: { file: string; stat: Stats }[];
  /** Paths of removed files. */
  readonly deletes: string[];
}

const signature = (stat: Stats) => `${stat.ino} ${stat.mode} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;

/**
 * Returns the changes since the last commit. This reads by path, and the sandbox may replace folders with links meanwhile,
 * so the changes must be applied through a `Jail`.
 */
export async function findChanges(layers: MountLayers, committed: CommittedChanges): Promise<Changes> {
  const search: Search = { layers, committed, puts: [], deletes: new Set(), present: new Set() };
  await searchFolder('/', search);
  // Files that were committed and then removed, and that weren't in the volume when it was mounted.
  for (const file of committed.signatures.keys()) {
    if (search.present.has(file)) continue;
    committed.signatures.delete(file);
    search.deletes.add(file);
  }
  return { puts: search.puts, deletes: [...search.deletes] };
}

interface Search {
  readonly layers: MountLayers;
  readonly committed: CommittedChanges;
  readonly puts: Changes['puts'];
  readonly deletes: Set<string>;
  /** All paths in the upper layer that were found. */
  readonly present: Set<string>;
}

async function searchFolder(folder: string, search: Search): Promise<void> {
  const { layers, committed, puts, deletes, present } = search;
  const seen = new Set(await namesIn(join(layers.merged, folder)));
  for (const name of await namesIn(join(layers.lower, folder))) {
    const file = posix.join(folder, name);
    if (seen.has(name)) committed.deleted.delete(file);
    else if (!committed.deleted.has(file)) deletes.add(file);
  }
  for (const name of await namesIn(join(layers.upper, folder))) {
    const file = posix.join(folder, name);
    const stat = await lstat(join(layers.upper, file)).catch(() => undefined);
    // Character devices are the markers for removed files. Other special files aren't supported in volumes.
    if (!stat || !seen.has(name) || !(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink())) continue;
    present.add(file);
    const before = committed.signatures.get(file);
    if (stat.isDirectory() ? before === undefined : before !== signature(stat)) puts.push({ file, stat });
    if (stat.isDirectory()) await searchFolder(file, search);
  }
}

/** Returns the names in a folder, or nothing if it doesn't exist or is a link. */
async function namesIn(folder: string): Promise<string[]> {
  const stat = await lstat(folder).catch(() => undefined);
  return stat?.isDirectory() ? readdir(folder).catch(() => []) : [];
}

/** Returns undefined if the file no longer exists. */
function ifExists<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Applies changes to a folder in a volume, and records them as committed. */
export async function applyChanges(
  volumes: VolumeStore,
  target: Jail,
  upper: Jail,
  { puts, deletes }: Changes,
  committed: CommittedChanges,
): Promise<void> {
  for (const file of deletes) {
    if (ifExists(() => target.lstat(file))) target.remove(file, true);
    committed.deleted.add(file);
  }
  for (const { file, stat } of puts) {
    try {
      await put(volumes, target, upper, file, stat);
      committed.signatures.set(file, signature(stat));
    } catch (error) {
      // The file was removed while it was read. The next commit handles that.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

async function put(volumes: VolumeStore, target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const existing = ifExists(() => target.lstat(file));
  if (existing && (existing.isDirectory() !== stat.isDirectory() || stat.isSymbolicLink())) target.remove(file, true);
  if (stat.isDirectory()) {
    if (!existing?.isDirectory()) target.mkdir(file, stat.mode & 0o7777);
  } else if (stat.isSymbolicLink()) {
    target.symlink(upper.readlink(file), file);
  } else {
    await copy(volumes, target, upper, file, stat);
  }
}

async function copy(volumes: VolumeStore, target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const source = upper.openUnnoticed(file);
  const fill = async (to: string) => {
    await copyContent(source, to);
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

/** Copies the content of an open file. Programs in the sandbox may go by when it was last read, so that stays as it is. */
async function copyContent(source: number, to: string): Promise<void> {
  try {
    await copyFile(`/proc/self/fd/${source}`, to, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    // The file system can't share blocks between files. `copyFile` would open the file again, without O_NOATIME.
    const content = createReadStream('', { fd: source, start: 0, autoClose: false, highWaterMark: COPY_BYTES });
    await pipeline(content, createWriteStream(to, { highWaterMark: COPY_BYTES }));
  }
}
