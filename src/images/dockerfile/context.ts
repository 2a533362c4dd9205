import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import dockerignore from '@balena/dockerignore';
import type { CopiedEntry } from '../recipe.ts';
import { strings } from '../strings.ts';

interface Listed {
  readonly path: string;
  readonly stat: Stats;
}

// The package's types describe an ES module, but Node loads CommonJS, whose export is the function itself.
const ignore = dockerignore as unknown as typeof dockerignore.default;

/** The number of files read at once. */
const MAX_PARALLEL_READS = 32;

/** Hashes of local files by path, with the state in which they were read. */
export type FileHashes = Map<string, { readonly key: string; readonly hash: string }>;

/** The folder that `COPY` reads from, without what its `.dockerignore` excludes. Listed at its first use. */
export class DockerContext {
  readonly #root: string;
  readonly #dockerfile: string;
  readonly #hashes: FileHashes;
  #listed: Promise<Map<string, Listed>> | undefined;

  /** Both paths are absolute and local. `hashes` spares reading files that haven't changed since an earlier build. */
  constructor(root: string, dockerfile: string, hashes: FileHashes = new Map()) {
    this.#root = root;
    this.#dockerfile = dockerfile;
    this.#hashes = hashes;
  }

  /**
   * Returns the entries that sources stand for: a folder's contents, or a file. A source may be a pattern as in Go's
   * `filepath.Match`. With `parents`, names include the folders they are in. Throws an error whose message is a reason for
   * `refusal`.
   */
  async select(
    sources: readonly string[],
    options: { exclude: readonly string[]; parents: boolean },
  ): Promise<CopiedEntry[]> {
    this.#listed ??= this.#list();
    const listed = await this.#listed;
    const excluded = ignore().add([...options.exclude]);
    const found = new Map<string, Listed>();
    for (const source of sources) {
      for (const path of this.#matching(source, listed)) {
        for (const [name, each] of await this.#below(path, listed, options.parents))
          if (!excluded.ignores(each.path)) found.set(name, each);
      }
    }
    const waiting = [...found].sort(([one], [other]) => (one < other ? -1 : 1));
    const entries: CopiedEntry[] = [];
    for (let at = 0; at < waiting.length; at += MAX_PARALLEL_READS) {
      const some = waiting.slice(at, at + MAX_PARALLEL_READS);
      entries.push(...(await Promise.all(some.map(([name, each]) => this.#entry(name, each)))));
    }
    return entries;
  }

  #matching(source: string, listed: ReadonlyMap<string, Listed>): string[] {
    const path = posix.normalize(`/${source}`).replace(/^\/|\/$/g, '');
    if (posix.normalize(source).startsWith('..')) throw new Error(strings.outsideContext(source));
    if (path === '' || listed.has(path)) return [path];
    const pattern = globPattern(path);
    const matching = pattern ? [...listed.keys()].filter((each) => pattern.test(each)) : [];
    if (matching.length === 0) throw new Error(strings.notInContext(source, this.#root));
    return matching;
  }

  /** Returns a path and everything below it, by their names in the copy. */
  async #below(path: string, listed: ReadonlyMap<string, Listed>, parents: boolean): Promise<[string, Listed][]> {
    const real = await this.#followed(path, listed);
    const self = listed.get(real);
    if (self && !self.stat.isDirectory()) return [[parents ? `tree/${path}` : `files/${posix.basename(path)}`, self]];
    const prefix = real === '' ? '' : `${real}/`;
    const to = parents && path !== '' ? `tree/${path}/` : 'tree/';
    const inside = [...listed.values()].filter((each) => each.path.startsWith(prefix));
    return [
      // Empty folders are copied too.
      ...(parents && self ? [[to.slice(0, -1), self] as [string, Listed]] : []),
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
    const matcher = ignore().add(patterns);
    const hasExceptions = patterns.some((pattern) => pattern.trim().startsWith('!'));
    const listed = new Map<string, Listed>();
    const walk = async (folder: string): Promise<boolean> => {
      let any = false;
      for (const { name } of await readdir(join(this.#root, folder), { withFileTypes: true })) {
        const path = folder === '' ? name : `${folder}/${name}`;
        const isExcluded = matcher.ignores(path);
        if (isExcluded && !hasExceptions) continue;
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
  async #patterns(): Promise<string[]> {
    for (const file of [`${this.#dockerfile}.dockerignore`, join(this.#root, '.dockerignore')]) {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) return text.split(/\r?\n/);
    }
    return [];
  }
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

/** Translates a pattern of Go's `filepath.Match` (`*`, `?`, `[a-z]` and `\`); undefined if the path isn't a pattern. */
function globPattern(path: string): RegExp | undefined {
  if (!/[*?[\\]/.test(path)) return undefined;
  const source = path.replace(
    /\\([\s\S])|(\*)|(\?)|\[(\^?)((?:\\.|[^\]\\])+)\]|([.+^${}()|[\]\\])/g,
    (_, escaped, star, one, not, set, special) => {
      if (escaped) return escaped.replace(/[.*+?^${}()|[\]\\]/, '\\$&');
      if (star) return '[^/]*';
      if (one) return '[^/]';
      return set ? `[${not}${set}]` : `\\${special}`;
    },
  );
  return new RegExp(`^${source}$`);
}
