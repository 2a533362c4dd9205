import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import dockerignore from '@balena/dockerignore';
import type { CopiedEntry } from '../recipe.ts';

interface Listed {
  readonly path: string;
  readonly stat: Stats;
}

// Its types speak of a module; what is loaded is CommonJS, and the function itself.
const ignore = dockerignore as unknown as typeof dockerignore.default;

/** Files that are read at once. */
const PARALLEL_READS = 32;

/** Hashes of files that have not changed since they were read. */
const hashes = new Map<string, { key: string; hash: string }>();

/** The folder that `COPY` reads from, without what its `.dockerignore` leaves out. Listed when it is first asked. */
export class DockerContext {
  readonly #root: string;
  readonly #dockerfile: string;
  #listed: Promise<Map<string, Listed>> | undefined;

  /** Both are absolute paths of this machine. */
  constructor(root: string, dockerfile: string) {
    this.#root = root;
    this.#dockerfile = dockerfile;
  }

  /**
   * What a copy of these sources brings: a folder’s content, a file as itself. A source may be a pattern as of Go’s
   * `filepath.Match`. With `parents`, names keep the folders that they lie in. Throws an error that says what is missing.
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
    for (let at = 0; at < waiting.length; at += PARALLEL_READS) {
      const some = waiting.slice(at, at + PARALLEL_READS);
      entries.push(...(await Promise.all(some.map(([name, each]) => entryOf(name, this.#root, each)))));
    }
    return entries;
  }

  #matching(source: string, listed: ReadonlyMap<string, Listed>): string[] {
    const path = posix.normalize(`/${source}`).replace(/^\/|\/$/g, '');
    if (posix.normalize(source).startsWith('..')) throw new Error(`${source} is outside of the build context`);
    if (path === '' || listed.has(path)) return [path];
    const pattern = globPattern(path);
    const matching = pattern ? [...listed.keys()].filter((each) => pattern.test(each)) : [];
    if (matching.length === 0)
      throw new Error(`${source} is not in the build context (${this.#root}), or .dockerignore leaves it out`);
    return matching;
  }

  /** A path with all that is below it, by their names in the copy. */
  async #below(path: string, listed: ReadonlyMap<string, Listed>, parents: boolean): Promise<[string, Listed][]> {
    const real = await this.#followed(path, listed);
    const self = listed.get(real);
    if (self && !self.stat.isDirectory()) return [[parents ? `tree/${path}` : `files/${posix.basename(path)}`, self]];
    const prefix = real === '' ? '' : `${real}/`;
    const to = parents && path !== '' ? `tree/${path}/` : 'tree/';
    const inside = [...listed.values()].filter((each) => each.path.startsWith(prefix));
    return [
      // An empty folder is copied too.
      ...(parents && self ? [[to.slice(0, -1), self] as [string, Listed]] : []),
      ...inside.map((each): [string, Listed] => [to + each.path.slice(prefix.length), each]),
    ];
  }

  /** Where a link leads that is named itself; links below a folder stay links. */
  async #followed(path: string, listed: ReadonlyMap<string, Listed>): Promise<string> {
    if (!listed.get(path)?.stat.isSymbolicLink()) return path;
    const real = await realpath(join(this.#root, path)).catch(() => '');
    const inside = relative(await realpath(this.#root), real)
      .split(sep)
      .join('/');
    if (real === '' || !listed.has(inside)) throw new Error(`${path} is a link to what is not in the build context`);
    return inside;
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
        const isLeftOut = matcher.ignores(path);
        if (isLeftOut && !hasExceptions) continue;
        const stat = await lstat(join(this.#root, path));
        const isKept = stat.isFile() || stat.isSymbolicLink() || stat.isDirectory();
        if (!isLeftOut && isKept) listed.set(path, { path, stat });
        const anyBelow = stat.isDirectory() && (await walk(path));
        // A folder that is left out is there all the same when something in it is not.
        if (anyBelow) listed.set(path, { path, stat });
        any ||= anyBelow || (!isLeftOut && isKept);
      }
      return any;
    };
    await walk('');
    return new Map([...listed].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** A Dockerfile’s own list goes before that of the context. */
  async #patterns(): Promise<string[]> {
    for (const file of [`${this.#dockerfile}.dockerignore`, join(this.#root, '.dockerignore')]) {
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) return text.split(/\r?\n/);
    }
    return [];
  }
}

/** A file that is written in the Dockerfile itself. */
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

async function entryOf(name: string, root: string, { path, stat }: Listed): Promise<CopiedEntry> {
  const source = join(root, path);
  const common = { name, source, size: 0, hash: '', executable: false, mtimeMs: stat.mtimeMs };
  if (stat.isDirectory()) return { ...common, kind: 'folder' };
  if (stat.isSymbolicLink()) return { ...common, kind: 'link', target: (await readlink(source)).split(sep).join('/') };
  // Of the mode only this: the rest differs between clones of one repository, and would make other images of it.
  const executable = process.platform === 'win32' || (stat.mode & 0o111) !== 0;
  return { ...common, kind: 'file', executable, size: stat.size, hash: await hashOf(source, stat) };
}

async function hashOf(source: string, { size, mtimeMs, ctimeMs, ino }: Stats): Promise<string> {
  const key = [size, mtimeMs, ctimeMs, ino].join(' ');
  const kept = hashes.get(source);
  if (kept?.key === key) return kept.hash;
  const sum = createHash('sha256');
  await pipeline(createReadStream(source), sum);
  const hash = sum.digest('hex');
  hashes.set(source, { key, hash });
  return hash;
}

/** Go’s `filepath.Match`, which knows `*`, `?`, `[a-z]` and `\`; undefined when there is nothing of that in it. */
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
