/**
 * Paths inside a folder that others write to: every step is opened from the one before without following links, and
 * links are followed here, within the folder. So neither `..`, nor an absolute link, nor a link swapped in at the wrong
 * moment leads outside. All calls are synchronous: they are short, and nothing may change between two steps of ours.
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

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** A descriptor that only names a place; Node has no constant for it. Zero on systems without it. */
const O_PATH = process.platform === 'linux' ? 0o10000000 : 0;
/** As in the kernel. */
const MAX_LINKS = 40;

/** An error as the file system would give it. */
export function systemError(code: string, file: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${file}`), { code, path: file });
}

/** A directory held open, and the name of an entry in it that may or may not exist. */
export class Place {
  readonly directory: number;
  readonly name: string;
  /** Names of the directories that lead here. */
  readonly above: readonly string[];
  readonly #root: string;

  constructor(root: string, above: readonly string[], directory: number, name: string) {
    this.#root = root;
    this.directory = directory;
    this.name = name;
    this.above = above;
  }

  /** The directory as a path; without `/proc` one by names, which is as safe as its folders are left alone. */
  get folder(): string {
    return O_PATH ? `/proc/self/fd/${this.directory}` : join(this.#root, ...this.above);
  }

  /** An entry of this directory, by its name. */
  entry(directory: number, name: string): Place {
    return new Place(this.#root, [...this.above, this.name], directory, name);
  }

  /** A path that leads to the entry and to nothing else. */
  get path(): string {
    return `${this.folder}/${this.name || '.'}`;
  }

  /** The entry itself, a link not followed; undefined when there is none. */
  lstat(): Stats | undefined {
    return lstatSync(this.path, { throwIfNoEntry: false });
  }

  /** Opens the entry, which must not be a link. */
  open(flags: number, mode?: number): number {
    return openSync(this.path, flags | O_NOFOLLOW, mode);
  }

  close(): void {
    closeSync(this.directory);
  }
}

export class Jail {
  readonly #root: string;

  /** @param root folder that is the `/` of all paths given here; links in the path of the root itself are trusted */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Calls `use` with the place that `file` means.
   * @param follow whether a link at the end is followed; a dangling one then leads to where its target would be
   * @throws ENOENT, ENOTDIR, ELOOP like the system
   */
  at<T>(file: string, follow: boolean, use: (place: Place) => T): T {
    const place = this.#walk(file, follow);
    try {
      return use(place);
    } finally {
      place.close();
    }
  }

  /** Like `at`, and holds the place until the promise has settled. */
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

  /** Closes all but the last directory, which the place keeps. */
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

  /** The path to what `file` means, without links, `.` and `..`. @throws ENOENT and its like */
  realpath(file: string): string {
    return this.at(file, true, (place) => {
      existing(place, file);
      return posix.join('/', ...place.above, place.name);
    });
  }

  /** Names in a directory, sorted. */
  list(file: string): string[] {
    return this.at(file, true, (place) => {
      if (!existing(place, file).isDirectory()) throw systemError('ENOTDIR', file);
      return readdirSync(place.path).sort();
    });
  }

  readlink(file: string): string {
    return this.at(file, false, (place) => readlinkSync(place.path));
  }

  /** Opens for reading what is there, a link followed. The descriptor never blocks. */
  open(file: string): number {
    return this.at(file, true, (place) => {
      existing(place, file);
      return place.open(O_RDONLY | O_NONBLOCK);
    });
  }

  /** Opens a directory, for others to start from. @throws ENOTDIR */
  openDirectory(file: string): number {
    return this.at(file, true, (place) => openSync(place.path, O_RDONLY | O_DIRECTORY | (place.name ? O_NOFOLLOW : 0)));
  }

  /** Makes a directory. @throws EEXIST when anything of that name is there */
  mkdir(file: string, mode = 0o755): void {
    this.at(file, false, (place) => mkdirSync(place.path, { mode }));
  }

  /** Makes a directory and what is missing above it. @throws EEXIST when there is something else than a directory */
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

  /** Makes a link that says `target`, whatever that is. */
  symlink(target: string, file: string): void {
    this.at(file, false, (place) => symlinkSync(target, place.path));
  }

  /** Removes an entry, links as such. @throws ENOTEMPTY for a directory that holds something, unless `recursive` */
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
