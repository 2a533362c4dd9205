/** Carries a sandbox's changes of a mounted volume over into the volume. */
import { closeSync, constants, type Stats } from 'node:fs';
import { chmod, copyFile, lchown, rename, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Jail } from './jail.ts';

/** What is known of a mount's changes that were committed before, so that each is carried over once. */
export class CommittedChanges {
  readonly signatures = new Map<string, string>();
  readonly deleted = new Set<string>();
}

/** The sides of a mounted volume. */
export interface MountSides {
  /** The volume as it was mounted. */
  lower: Jail;
  /** What was changed since: files, and marks of what was removed. */
  upper: Jail;
  /** Both together, as the sandbox sees it. */
  merged: Jail;
}

export interface Changes {
  /** Paths below the mount, parents first. */
  puts: { file: string; stat: Stats }[];
  /** Paths that went away. */
  deletes: string[];
}

const signature = (stat: Stats) => `${stat.ino} ${stat.mode} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;

/** What has changed since the last commit. */
export function findChanges(sides: MountSides, committed: CommittedChanges): Changes {
  const changes: Changes = { puts: [], deletes: [] };
  const present = new Set<string>();
  inFolder('/', { sides, committed, changes, present });
  // What was committed and is gone again, without ever having been in the volume that was mounted.
  for (const file of committed.signatures.keys()) {
    if (present.has(file)) continue;
    committed.signatures.delete(file);
    if (!changes.deletes.includes(file)) changes.deletes.push(file);
  }
  return changes;
}

interface Search {
  sides: MountSides;
  committed: CommittedChanges;
  changes: Changes;
  /** Every path of the sandbox's own that was met. */
  present: Set<string>;
}

function inFolder(folder: string, search: Search): void {
  const { sides, committed, changes, present } = search;
  const seen = new Set(attempt(() => sides.merged.list(folder)) ?? []);
  for (const name of attempt(() => sides.lower.list(folder)) ?? []) {
    const file = path.posix.join(folder, name);
    if (seen.has(name)) committed.deleted.delete(file);
    else if (!committed.deleted.has(file)) changes.deletes.push(file);
  }
  for (const name of attempt(() => sides.upper.list(folder)) ?? []) {
    const file = path.posix.join(folder, name);
    const stat = attempt(() => sides.upper.lstat(file));
    // Character devices mark what was removed; other special files have no place in a volume.
    if (!stat || !seen.has(name) || !(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink())) continue;
    present.add(file);
    const changed = committed.signatures.get(file) !== signature(stat);
    if (changed && !stat.isDirectory()) changes.puts.push({ file, stat });
    if (!stat.isDirectory()) continue;
    if (!committed.signatures.has(file)) changes.puts.push({ file, stat });
    inFolder(file, search);
  }
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    // Gone since it was listed.
    return undefined;
  }
}

/** Applies changes to a volume's folder, and remembers them as committed. */
export async function applyChanges(
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
      await put(target, upper, file, stat);
      committed.signatures.set(file, signature(stat));
    } catch (error) {
      // Removed while it was read: the next commit will tell.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

async function put(target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const there = attempt(() => target.lstat(file));
  if (there && (there.isDirectory() !== stat.isDirectory() || stat.isSymbolicLink())) target.remove(file, true);
  if (stat.isDirectory()) {
    if (!there?.isDirectory()) target.mkdir(file, stat.mode & 0o7777);
  } else if (stat.isSymbolicLink()) {
    target.symlink(upper.readlink(file), file);
  } else {
    await copy(target, upper, file, stat);
  }
}

async function copy(target: Jail, upper: Jail, file: string, stat: Stats): Promise<void> {
  const source = upper.open(file);
  try {
    await target.atAsync(file, false, async (place) => {
      const beside = `${place.folder}/.${place.name.slice(0, 200)}.${process.hrtime.bigint()}`;
      try {
        await copyFile(`/proc/self/fd/${source}`, beside, constants.COPYFILE_FICLONE);
        await chmod(beside, stat.mode & 0o7777);
        if (process.getuid?.() === 0) await lchown(beside, stat.uid, stat.gid);
        await utimes(beside, stat.atimeMs / 1000, stat.mtimeMs / 1000);
        await rename(beside, place.path);
      } catch (error) {
        await unlink(beside).catch(() => {});
        throw error;
      }
    });
  } finally {
    closeSync(source);
  }
}
