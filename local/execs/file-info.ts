/** A file's metadata in the files API. */
import { closeSync, readFileSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import type { Jail } from '../isolation/jail.ts';

/** The names of users and groups by ID, from the sandbox's own `/etc`. */
export interface Names {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

export interface FileInfo {
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly size: number;
  readonly mode: number;
  /** Four octal digits. */
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  /** Seconds since 1970. */
  readonly modified_time: number;
  readonly symlink_target: string | null;
}

export function namesOf(jail: Jail): Names {
  return { users: namesIn(jail, '/etc/passwd'), groups: namesIn(jail, '/etc/group') };
}

function namesIn(jail: Jail, file: string): Map<number, string> {
  const names = new Map<number, string>();
  try {
    const fd = jail.open(file);
    try {
      for (const line of readFileSync(fd, 'utf8').split('\n')) {
        const [name, , id] = line.split(':');
        if (name && id && !names.has(Number(id))) names.set(Number(id), name);
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    // Without the file, IDs are shown as numbers.
  }
  return names;
}

/** Returns an ID as it is inside the sandbox. If the server isn't root, its own ID is mapped to root. */
const mapId = (id: number) => (process.getuid?.() === 0 || id !== process.getuid?.() ? id : 0);

export function fileInfo(jail: Jail, file: string, names: Names): FileInfo {
  const stat = jail.lstat(file);
  const type = typeOf(stat);
  return {
    name: posix.basename(file),
    path: file,
    type,
    size: stat.size,
    mode: stat.mode,
    permissions: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    owner: names.users.get(mapId(stat.uid)) ?? String(mapId(stat.uid)),
    group: names.groups.get(mapId(stat.gid)) ?? String(mapId(stat.gid)),
    modified_time: stat.mtimeMs / 1000,
    symlink_target: type === 'symlink' ? jail.readlink(file) : null,
  };
}

function typeOf(stat: Stats): FileInfo['type'] {
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'file';
}
