/**
 * Access to files in a folder that untrusted programs write to. Each directory of a path is opened relative to the previous
 * one without following links; links are resolved here, within the folder. So neither `..`, nor an absolute link, nor a link
 * that appears at the wrong moment leads outside. All calls are synchronous, because they are short and nothing else in this
 * process may run between two steps.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join, posix } from 'node:path';

const { O_DIRECTORY, O_NOATIME = 0, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Opens a descriptor that only identifies a file. Node has no constant for it. Zero on systems that don't have it. */
const O_PATH = process.platform === 'linux' ? 0o10000000 : 0;
/** The kernel's own limit. */
const MAX_LINKS = 40;

/** Creates an error like those of the file system. */
export function systemError(code: string, file: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${file}`), { code, path: file });
}

/** An open directory, and the name of an entry in it, which may or may not exist. */
export class Place {
  readonly directory: number;
  readonly name: string;
  /** The names of the directories that lead here. */
  readonly above: readonly string[];
  readonly #root: string;

  constructor(root: string, above: readonly string[], directory: number, name: string) {
    this.#root = root;
    this.directory = directory;
    this.name = name;
    this.above = above;
  }

  /** The path of the directory. Without `/proc`, it is made of names, and is safe only while its folders don't change. */
  get folder(): string {
    return O_PATH ? `/proc/self/fd/${this.directory}` : join(this.#root, ...this.above);
  }

  /** Returns a place in the directory that this place names. */
  entry(directory: number, name: string): Place {
    return new Place(this.#root, [...this.above, this.name], directory, name);
  }

  /** A path that leads to the entry, and nowhere else. */
  get path(): string {
    return `${this.folder}/${this.name || '.'}`;
  }

  /** Returns the stats of the entry, without following a link, or undefined if it doesn't exist. */
  lstat(): Stats | undefined {
    return lstatSync(this.path, { throwIfNoEntry: false });
  }

  /** Opens the entry. Throws if it is a link. */
  open(flags: number, mode?: number): number {
    return openSync(this.path, flags | O_NOFOLLOW, mode);
  }

  close(): void {
    closeSync(this.directory);
  }
}

/** A folder whose files are accessed by paths that cannot lead outside. */
export class Jail {
  readonly #root: string;

  /** `root` is the folder that serves as `/` for all paths. Links in its own path are trusted. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Calls `use` with the place that `file` names. With `follow`, a link at the end is followed; a dangling one leads to the
   * place where its target would be. Throws ENOENT, ENOTDIR, and ELOOP like the file system.
   */
  at<T>(file: string, follow: boolean, use: (place: Place) => T): T {
    const place = this.#walk(file, follow);
    try {
      return use(place);
    } finally {
      place.close();
    }
  }

  /** Like `at`, but keeps the place open until the promise settles. */
  async atAsync<T>(file: string, follow: boolean, use: (place: Place) => Promise<T>): Promise<T> {
    const place = this.#walk(file, follow);
    try {
      return await use(place);
    } finally {
      place.close();
    }
  }

  #walk(file: string, follow: boolean): Place {
    const waiting = file.split('/').filter((part) => part !== '' && part !== '.');
    const stack = [openSync(this.#root, O_PATH | O_DIRECTORY)];
    const names: string[] = [];
    const up = () => {
      closeSync(stack.pop() ?? -1);
      names.pop();
    };
    let links = 0;
    try {
      for (;;) {
        const name = waiting.shift();
        const here = stack.at(-1) ?? -1;
        if (name === undefined) return this.#release(stack, new Place(this.#root, names, here, ''));
        if (name === '..') {
          if (stack.length > 1) up();
          continue;
        }
        const place = new Place(this.#root, [...names], here, name);
        const stat = place.lstat();
        const last = waiting.length === 0;
        if (stat?.isSymbolicLink() && (!last || follow)) {
          if (++links > MAX_LINKS) throw systemError('ELOOP', file);
          const target = readlinkSync(place.path);
          if (target.startsWith('/')) while (stack.length > 1) up();
          waiting.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
        } else if (last) {
          if (stat && !stat.isDirectory() && file.endsWith('/')) throw systemError('ENOTDIR', file);
          return this.#release(stack, place);
        } else {
          if (!stat) throw systemError('ENOENT', file);
          if (!stat.isDirectory()) throw systemError('ENOTDIR', file);
          stack.push(place.open(O_PATH | O_DIRECTORY));
          names.push(name);
        }
      }
    } catch (error) {
      for (const fd of stack) closeSync(fd);
      throw error;
    }
  }

  /** Closes all directories but the last, which belongs to the place. */
  #release(stack: number[], place: Place): Place {
    for (const fd of stack.slice(0, -1)) closeSync(fd);
    return place;
  }

  stat(file: string): Stats {
    return this.at(file, true, (place) => existing(place, file));
  }

  lstat(file: string): Stats {
    return this.at(file, false, (place) => existing(place, file));
  }

  /** Resolves links, `.`, and `..` in a path. Throws ENOENT and similar errors. */
  realpath(file: string): string {
    return this.at(file, true, (place) => {
      existing(place, file);
      return posix.join('/', ...place.above, place.name);
    });
  }

  /** Returns the names in a directory, sorted. */
  list(file: string): string[] {
    return this.at(file, true, (place) => {
      if (!existing(place, file).isDirectory()) throw systemError('ENOTDIR', file);
      return readdirSync(place.path).sort();
    });
  }

  readlink(file: string): string {
    return this.at(file, false, (place) => readlinkSync(place.path));
  }

  /** Opens an existing file for reading, following links. The descriptor is non-blocking. */
  open(file: string): number {
    return this.at(file, true, (place) => {
      existing(place, file);
      return place.open(O_RDONLY | O_NONBLOCK);
    });
  }

  /** Opens an existing file like `open`, but reading doesn't change when it was last read, where the system allows that. */
  openUnnoticed(file: string): number {
    return this.at(file, true, (place) => {
      existing(place, file);
      try {
        return place.open(O_RDONLY | O_NONBLOCK | O_NOATIME);
      } catch (error) {
        // Only the owner of a file may.
        if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error;
        return place.open(O_RDONLY | O_NONBLOCK);
      }
    });
  }

  /** Opens a directory. Throws ENOTDIR. */
  openDirectory(file: string): number {
    return this.at(file, true, (place) => openSync(place.path, O_RDONLY | O_DIRECTORY | (place.name ? O_NOFOLLOW : 0)));
  }

  /** Creates a directory. Throws EEXIST if the name exists. */
  mkdir(file: string, mode = 0o755): void {
    this.at(file, false, (place) => mkdirSync(place.path, { mode }));
  }

  /** Creates a directory and its missing parents. Throws EEXIST if the name exists and isn't a directory. */
  mkdirs(file: string): void {
    const parts = posix.resolve('/', file).split('/').filter(Boolean);
    for (let count = 1; count <= parts.length; count++) {
      const above = `/${parts.slice(0, count).join('/')}`;
      const stat = this.at(above, true, (place) => place.lstat());
      if (!stat) this.at(above, true, (place) => mkdirSync(place.path, { mode: 0o755 }));
      else if (!stat.isDirectory()) throw systemError(count === parts.length ? 'EEXIST' : 'ENOTDIR', above);
    }
  }

  rename(from: string, to: string): void {
    this.at(from, false, (source) => this.at(to, false, (target) => renameSync(source.path, target.path)));
  }

  /** Creates a link with any text as its target. */
  symlink(target: string, file: string): void {
    this.at(file, false, (place) => symlinkSync(target, place.path));
  }

  /** Removes an entry without following links. Throws ENOTEMPTY for a directory with entries, unless `recursive` is set. */
  remove(file: string, recursive: boolean): void {
    this.at(file, false, (place) => {
      if (place.name === '') throw systemError('EBUSY', file);
      removeAt(place, existing(place, file), recursive);
    });
  }
}

function removeAt(place: Place, stat: Stats, recursive: boolean): void {
  if (!stat.isDirectory()) {
    unlinkSync(place.path);
    return;
  }
  if (recursive) {
    const fd = place.open(O_RDONLY | O_DIRECTORY);
    try {
      for (const name of readdirSync(O_PATH ? `/proc/self/fd/${fd}` : place.path)) {
        const inside = place.entry(fd, name);
        const found = inside.lstat();
        if (found) removeAt(inside, found, true);
      }
    } finally {
      closeSync(fd);
    }
  }
  rmdirSync(place.path);
}

function existing(place: Place, file: string): Stats {
  if (place.name === '') return fstatSync(place.directory);
  const stat = place.lstat();
  if (!stat) throw systemError('ENOENT', file);
  return stat;
}
