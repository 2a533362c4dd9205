import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type SendsFile, sendsIfNamed } from '../../sync/rules/credentials.ts';
import { foldersOf } from '../../sync/rules/git-index.ts';
import type { CopiedEntry, FileHashes } from '../recipe.ts';
import { strings } from '../strings.ts';
import { DockerPatterns, sourcePattern } from './patterns.ts';

interface Listed {
  readonly path: string;
  readonly stat: Stats;
}

/** The files that sources stand for. */
export interface Selection {
  readonly entries: readonly CopiedEntry[];
  /** Patterns that match nothing, which Docker permits. */
  readonly unmatched: readonly string[];
}

/** The number of files read at once. */
const MAX_PARALLEL_READS = 32;

export interface DockerContextOptions {
  /** Spares reading files that haven't changed since an earlier build. */
  readonly hashes?: FileHashes | undefined;
  /** Decides about files that look like credentials, by their path in the context. */
  readonly sends?: SendsFile;
}

/** The folder that `COPY` reads from, without what its `.dockerignore` excludes. Listed at its first use. */
export class DockerContext {
  /** Files that were selected but not returned, because they look like credentials. */
  readonly withheld = new Set<string>();
  readonly #root: string;
  readonly #dockerfile: string;
  readonly #hashes: FileHashes;
  readonly #sends: SendsFile;
  #listed: Promise<Map<string, Listed>> | undefined;

  /** Both paths are absolute and local. */
  constructor(
    root: string,
    dockerfile: string,
    { hashes = new Map(), sends = sendsIfNamed }: DockerContextOptions = {},
  ) {
    this.#root = root;
    this.#dockerfile = dockerfile;
    this.#hashes = hashes;
    this.#sends = sends;
  }

  /**
   * Returns the entries that sources stand for: a folder's contents, or a file. A source may be a pattern as in Go's
   * `filepath.Match`. With `parents`, names include the folders they are in, below a `/./` if the source has one. Throws an
   * error whose message is a reason for `refusal`.
   */
  async select(
    sources: readonly string[],
    { exclude, parents }: { exclude: readonly string[]; parents: boolean },
  ): Promise<Selection> {
    this.#listed ??= this.#list();
    const listed = await this.#listed;
    const excluded = new DockerPatterns(exclude);
    const found = new Map<string, Listed>();
    const unmatched: string[] = [];
    for (const source of sources) {
      const [above, wanted] = parents ? splitAtPivot(source) : ['', source];
      const tops = topsOf(above, listed);
      const paths = (tops ?? [above]).flatMap((top) =>
        this.#matching(top, wanted, listed, parents, tops !== undefined).map((path) => ({ top, path })),
      );
      if (paths.length === 0) unmatched.push(source);
      for (const { top, path } of paths) {
        for (const [name, each] of await this.#below(path, listed, parents ? top : undefined)) {
          if (excluded.ignores(each.path)) continue;
          if (this.#mayCopy(each, wanted, path)) found.set(name, each);
          else this.withheld.add(each.path);
        }
      }
    }
    const waiting = [...found].sort(([one], [other]) => (one < other ? -1 : 1));
    const entries: CopiedEntry[] = [];
    for (let at = 0; at < waiting.length; at += MAX_PARALLEL_READS) {
      const some = waiting.slice(at, at + MAX_PARALLEL_READS);
      entries.push(...(await Promise.all(some.map(([name, each]) => this.#entry(name, each)))));
    }
    return { entries, unmatched };
  }

  /** Withholds files that look like credentials, unless the source names the file itself, not just with wildcards. */
  #mayCopy({ path, stat }: Listed, source: string, matched: string): boolean {
    return stat.isDirectory() || this.#sends(path, path === matched && /[^*?]/.test(posix.basename(source)));
  }

  /** Returns the paths that a source stands for. Only a pattern may stand for none. */
  #matching(
    top: string,
    source: string,
    listed: ReadonlyMap<string, Listed>,
    parents: boolean,
    isOptional: boolean,
  ): string[] {
    if (posix.normalize(posix.join(top, source)).startsWith('..')) throw new Error(strings.outsideContext(source));
    const path = cleaned(posix.join(top, source));
    const matches = sourcePattern(cleaned(source), parents);
    if (!matches) {
      if (path === '' || listed.has(path)) return [path];
      if (isOptional) return [];
      throw new Error(strings.notInContext(source, this.#root));
    }
    const prefix = top === '' ? '' : `${cleaned(top)}/`;
    const found = [...listed.keys()].filter((each) => each.startsWith(prefix) && matches(each.slice(prefix.length)));
    // What is in a folder comes with it.
    const folders = new Set(found);
    return found.filter((each) => ![...foldersOf([each])].some((folder) => folders.has(folder)));
  }

  /** Returns a path and everything below it, by their names in the copy: with their folders below `top`, if it is given. */
  async #below(path: string, listed: ReadonlyMap<string, Listed>, top?: string): Promise<[string, Listed][]> {
    const parents = top !== undefined;
    const real = await this.#followed(path, listed);
    const self = listed.get(real);
    const kept = parents ? posix.relative(`/${top}`, `/${path}`) : '';
    if (self && !self.stat.isDirectory()) return [[parents ? `tree/${kept}` : `files/${posix.basename(path)}`, self]];
    const prefix = real === '' ? '' : `${real}/`;
    const to = kept === '' ? 'tree/' : `tree/${kept}/`;
    const inside = [...listed.values()].filter((each) => each.path.startsWith(prefix));
    return [
      // Empty folders are copied too.
      ...(kept !== '' && self ? [[to.slice(0, -1), self] as [string, Listed]] : []),
      ...inside.map((each): [string, Listed] => [to + each.path.slice(prefix.length), each]),
    ];
  }

  /** Resolves a link that is named itself. Links below a folder stay links. */
  async #followed(path: string, listed: ReadonlyMap<string, Listed>): Promise<string> {
    if (!listed.get(path)?.stat.isSymbolicLink()) return path;
    const real = await realpath(join(this.#root, path)).catch(() => '');
    const inside = relative(await realpath(this.#root), real)
      .split(sep)
      .join('/');
    if (real === '' || !listed.has(inside)) throw new Error(strings.linkOutsideContext(path));
    return inside;
  }

  async #entry(name: string, { path, stat }: Listed): Promise<CopiedEntry> {
    const source = join(this.#root, path);
    const common = { name, source, size: 0, hash: '', executable: false, mtimeMs: stat.mtimeMs };
    if (stat.isDirectory()) return { ...common, kind: 'folder' };
    if (stat.isSymbolicLink())
      return { ...common, kind: 'link', target: (await readlink(source)).split(sep).join('/') };
    // Other mode bits differ between clones of one repository, and would result in different images.
    const executable = process.platform === 'win32' || (stat.mode & 0o111) !== 0;
    return { ...common, kind: 'file', executable, size: stat.size, hash: await this.#hash(source, stat) };
  }

  async #hash(source: string, { size, mtimeMs, ctimeMs, ino }: Stats): Promise<string> {
    const key = [size, mtimeMs, ctimeMs, ino].join(' ');
    const known = this.#hashes.get(source);
    if (known?.key === key) return known.hash;
    const sum = createHash('sha256');
    await pipeline(createReadStream(source), sum);
    const hash = sum.digest('hex');
    this.#hashes.set(source, { key, hash });
    return hash;
  }

  async #list(): Promise<Map<string, Listed>> {
    const patterns = await this.#patterns();
    const listed = new Map<string, Listed>();
    const walk = async (folder: string): Promise<boolean> => {
      let any = false;
      for (const { name } of await readdir(join(this.#root, folder), { withFileTypes: true })) {
        const path = folder === '' ? name : `${folder}/${name}`;
        const isExcluded = patterns.ignores(path);
        if (isExcluded && !patterns.hasExceptions) continue;
        const stat = await lstat(join(this.#root, path));
        const isSupported = stat.isFile() || stat.isSymbolicLink() || stat.isDirectory();
        if (!isExcluded && isSupported) listed.set(path, { path, stat });
        const anyBelow = stat.isDirectory() && (await walk(path));
        // An excluded folder exists nevertheless if something in it is included.
        if (anyBelow) listed.set(path, { path, stat });
        any ||= anyBelow || (!isExcluded && isSupported);
      }
      return any;
    };
    await walk('');
    return new Map([...listed].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** A Dockerfile's own ignore file takes precedence over that of the context. */
  async #patterns(): Promise<DockerPatterns> {
    for (const file of [`${this.#dockerfile}.dockerignore`, join(this.#root, '.dockerignore')]) {
      try {
        return DockerPatterns.ofFile(await readFile(file, 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          throw new Error(strings.unusableIgnoreFile(posix.basename(file), (error as Error).message), { cause: error });
      }
    }
    return new DockerPatterns([]);
  }
}

/** Splits a source at its first `/./`, below which `--parents` keeps folders. */
function splitAtPivot(source: string): [top: string, rest: string] {
  const at = source.indexOf('/./', source.startsWith('./') ? 2 : 0);
  return at < 0 ? ['', source] : [cleaned(source.slice(0, at)), source.slice(at + 3)];
}

/** Returns the folders that the part of a source above its pivot stands for; undefined if that is no pattern. */
function topsOf(above: string, listed: ReadonlyMap<string, Listed>): string[] | undefined {
  const matches = sourcePattern(above, false);
  return matches && [...listed.values()].flatMap(({ path, stat }) => (stat.isDirectory() && matches(path) ? path : []));
}

/** Returns a path without `.`, `..`, and outer slashes. */
function cleaned(path: string): string {
  return posix.normalize(`/${path}`).replace(/^\/|\/$/g, '');
}

/** Returns an entry for a file that is written in the Dockerfile itself. */
export function heredocEntry(name: string, content: string): CopiedEntry {
  const source = Buffer.from(content);
  const hash = createHash('sha256').update(source).digest('hex');
  return {
    name: `files/${name}`,
    kind: 'file',
    executable: false,
    source,
    size: source.length,
    hash,
    mtimeMs: Date.now(),
  };
}
