import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pick } from './temporary.ts';

const NAMES = ['a', 'b', 'c d', 'build', 'x.log', 'keep.log', 'é', 'f.py', '-n'];
const SORTS = [
  'write',
  'write',
  'write',
  'append',
  'delete',
  'delete',
  'rename',
  'chmod',
  'folder',
  'link',
  'touch',
  'ignore',
  'same-size',
] as const;

/** Makes random edits to a folder, and records what a watcher would report. */
export class RandomEdits {
  readonly #root: string;
  readonly #next: () => number;
  /** Paths that were touched since the set was last cleared. */
  readonly touched = new Set<string>();
  /** True if rules may have changed, so that paths other than the touched ones may be affected. */
  changedRules = false;

  constructor(root: string, next: () => number) {
    this.#root = root;
    this.#next = next;
  }

  /** Makes one edit, and returns its description. */
  make(): string {
    const chosen = this.#next() < 0.5 ? this.#path() : (this.#existing() ?? this.#path());
    const sort = pick(this.#next, SORTS);
    // Links have separate names, because a link that was released in the sandbox would be written through if a folder
    // took its name.
    const path = sort === 'link' ? join(dirname(chosen), pick(this.#next, ['link-a', 'link-b'])) : chosen;
    try {
      if (sort === 'ignore') this.#ignore();
      else this.#change(sort, path);
    } catch {
      // The path has another kind by now, so the step does nothing.
    }
    return `${sort} ${path}`;
  }

  #path(): string {
    const depth = 1 + Math.floor(this.#next() * 3);
    return Array.from({ length: depth }, () => pick(this.#next, NAMES)).join('/');
  }

  #existing(): string | undefined {
    const found = execFileSync('find', ['.', '-path', './.git', '-prune', '-o', '!', '-name', '.', '-print0'], {
      cwd: this.#root,
      encoding: 'utf8',
    });
    const paths = found.split('\0').slice(0, -1).sort();
    return paths.length > 0 ? pick(this.#next, paths).slice(2) : undefined;
  }

  #change(sort: Exclude<(typeof SORTS)[number], 'ignore'>, path: string): void {
    const full = join(this.#root, path);
    // Writing through a link would change a path that no step names.
    if (lstatSync(full, { throwIfNoEntry: false })?.isSymbolicLink() && sort !== 'rename') rmSync(full);
    this.#touch(path);
    if (sort === 'delete') rmSync(full, { recursive: true, force: true });
    else if (sort === 'append') appendFileSync(full, `${this.#next()}`);
    else if (sort === 'chmod') chmodSync(full, lstatSync(full).isDirectory() || this.#next() < 0.5 ? 0o755 : 0o644);
    else if (sort === 'touch') utimesSync(full, this.#next() * 1e9, this.#next() * 2e9);
    else if (sort === 'rename') this.#rename(path, full);
    else this.#put(sort, full);
  }

  #put(sort: 'write' | 'folder' | 'link' | 'same-size', full: string): void {
    if (existsSync(full) && this.#next() < 0.7 && sort !== 'same-size') rmSync(full, { recursive: true });
    mkdirSync(sort === 'folder' ? full : dirname(full), { recursive: true });
    if (sort === 'link') symlinkSync(pick(this.#next, ['a', 'b', 'nowhere', 'build/x.log']), full);
    else if (sort === 'same-size' && existsSync(full)) {
      const flipped = readFileSync(full).map((byte) => byte ^ 1);
      writeFileSync(full, flipped);
    } else if (sort !== 'folder') writeFileSync(full, `${this.#next()}`.repeat(Math.floor(this.#next() * 300)));
  }

  #rename(path: string, full: string): void {
    const to = this.#path();
    if (`${to}/`.startsWith(`${path}/`) || path.includes('link-')) return;
    this.#touch(to);
    mkdirSync(dirname(join(this.#root, to)), { recursive: true });
    renameSync(full, join(this.#root, to));
  }

  #ignore(): void {
    const lines = ['*.log', 'build/', '/a', '!keep.log', 'é', '**/b/a', 'c*'].filter(() => this.#next() < 0.3);
    const folder = this.#next() < 0.7 ? '' : 'a';
    if (folder) mkdirSync(join(this.#root, folder), { recursive: true });
    writeFileSync(join(this.#root, folder, '.gitignore'), `${lines.join('\n')}\n`);
    this.changedRules = true;
  }

  /** A watcher also reports each parent folder that was created. */
  #touch(path: string): void {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth += 1) this.touched.add(parts.slice(0, depth).join('/'));
  }
}
