import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { type Entry, needsHash, parentOf, type SyncedEntry, type SyncIndex } from '../index/entries.ts';
import { markersIn } from '../rules/folder-markers.ts';
import { foldersOf } from '../rules/git-index.ts';
import type { Rule } from '../rules/rule.ts';
import type { FolderRules, Rules } from '../rules/rules.ts';
import { hashFile, readEntry } from './read-entry.ts';

/** Something that is not synced although no rule leaves it out. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

/** What one rule left out. */
export interface Exclusion {
  readonly rule: Rule;
  /** Files and folders, each folder counted as one. */
  readonly count: number;
  /** The first few paths. */
  readonly examples: readonly string[];
}

/** The local tree, or the parts of it that were asked about. */
export interface Scan {
  /** When it began, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** A file that is for certain as it was sent is given as the very value that the index has. */
  readonly entries: readonly Entry[];
  /** Undefined when the whole tree was read; else the paths it speaks for, with all below them. */
  readonly scope: readonly string[] | undefined;
  /** Hashes of the files that only their content can tell about. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Paths the sandbox has that rules leave out: they stay there. */
  readonly released: readonly string[];
  /** Folders that could not be read: nothing below them counts as deleted. */
  readonly unreadable: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly excluded: readonly Exclusion[];
  readonly credentials: readonly string[];
}

export interface ScanOptions {
  /** What the sandbox holds, so that only files in doubt are hashed. */
  readonly index?: SyncIndex;
  /** Paths to look at, for a scan of less than the whole tree. */
  readonly paths?: readonly string[];
  /** Looks at what the sandbox holds besides, in a scan of the whole tree. */
  readonly ahead?: Ahead | undefined;
  /** Called between files; throws to end the scan. */
  checkpoint?(files: number): void;
}

/** Somebody who looks at the same files at the same time, further on. */
export interface Ahead {
  /** Whether the file was looked at since the scan began, and nothing tells it from what was sent. */
  isUntouched(synced: SyncedEntry): boolean;
}

const MAX_EXAMPLES = 3;
const MAX_NAMED = 200;

/**
 * Lists what is to be synced. Synchronous, since that is several times faster than promises; meant for a worker.
 * Throws the file system's error when the root cannot be read.
 */
export function scan(rules: Rules, options: ScanOptions = {}): Scan {
  const walk = new Walk(rules, options);
  if (options.paths) walk.some(options.paths);
  else walk.all();
  return walk.result();
}

class Walk {
  readonly #rules: Rules;
  readonly #options: ScanOptions;
  readonly #startedAtMs = Date.now();
  readonly #entries: Entry[] = [];
  readonly #doubtful: Entry[] = [];
  readonly #released: string[] = [];
  readonly #unreadable: string[] = [];
  readonly #skipped: Skipped[] = [];
  readonly #credentials: string[] = [];
  readonly #excluded = new Map<Rule, { count: number; examples: string[] }>();
  /** What the sandbox holds, in its order, which is mostly the scan's too. */
  readonly #syncedInOrder: Iterator<SyncedEntry, undefined> | undefined;
  #nextSynced: SyncedEntry | undefined;

  constructor(rules: Rules, options: ScanOptions) {
    this.#rules = rules;
    this.#options = options;
    this.#syncedInOrder = options.index?.entries.values();
    this.#nextSynced = this.#syncedInOrder?.next().value;
  }

  all(): void {
    const listing = readdirSync(this.#rules.root, { withFileTypes: true });
    this.#folder('', listing, this.#rules.top(markersIn(listing)));
  }

  /** Reads the given paths only, and the folders they lie in as far as those became empty or full. */
  some(paths: readonly string[]): void {
    lstatSync(this.#rules.root);
    const parents = foldersOf(paths);
    const asked = new Set(paths);
    for (const path of asked) {
      // Found with the folder above it.
      if ([...foldersOf([path])].some((folder) => asked.has(folder))) continue;
      const at = this.#descend(parentOf(path));
      const name = path.slice(path.lastIndexOf('/') + 1);
      const child = at?.listing.find((entry) => entry.name === name);
      if (at && child) this.#child(path, child, at.folder);
    }
    for (const parent of parents) {
      const at = this.#descend(parent);
      if (at && !at.folder.isExcluded && !this.#hasSynced(at.listing, at.folder)) this.#add(parent);
    }
  }

  /** The rules in a folder, unless they leave it out or it is not there. */
  #descend(path: string): { folder: FolderRules; listing: readonly Dirent[] } | undefined {
    let listing: readonly Dirent[] = readdirSync(this.#rules.root, { withFileTypes: true });
    let folder = this.#rules.top(markersIn(listing));
    let at = '';
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (!listing.some((entry) => entry.name === name && entry.isDirectory())) return undefined;
      if (!folder.judge(name, true).enter) return undefined;
      at = at === '' ? name : `${at}/${name}`;
      try {
        listing = readdirSync(`${this.#rules.root}/${at}`, { withFileTypes: true });
      } catch {
        this.#unreadable.push(at);
        return undefined;
      }
      folder = folder.enter(name, markersIn(listing));
    }
    return { folder, listing };
  }

  #hasSynced(listing: readonly Dirent[], folder: FolderRules): boolean {
    return listing.some((child) => folder.judge(child.name, child.isDirectory()).rule.included);
  }

  /** Returns how many names in the folder are synced. */
  #folder(path: string, listing: readonly Dirent[], folder: FolderRules): number {
    this.#options.checkpoint?.(this.#entries.length);
    let kept = 0;
    for (const child of listing) kept += this.#child(path === '' ? child.name : `${path}/${child.name}`, child, folder);
    if (kept === 0 && path !== '' && !folder.isExcluded) {
      this.#add(path);
      return 1;
    }
    return kept;
  }

  /** Returns 1 when something was added for this child, else 0. */
  #child(path: string, child: Dirent, folder: FolderRules): number {
    const isFolder = child.isDirectory();
    const { rule, enter } = folder.judge(child.name, isFolder);
    if (isFolder && enter) return this.#enter(path, child.name, folder);
    if (!rule.included) {
      this.#leaveOut(path, rule, isFolder);
      return 0;
    }
    return this.#add(path) ? 1 : 0;
  }

  #enter(path: string, name: string, folder: FolderRules): number {
    let listing: Dirent[];
    try {
      listing = readdirSync(`${this.#rules.root}/${path}`, { withFileTypes: true });
    } catch (error) {
      this.#unreadable.push(path);
      this.#skipped.push({ path, reason: reasonOf(error) });
      return 1;
    }
    return this.#folder(path, listing, folder.enter(name, markersIn(listing))) > 0 ? 1 : 0;
  }

  #add(path: string): boolean {
    try {
      const synced = this.#syncedFor(path);
      const isUntouched = synced !== undefined && this.#options.ahead?.isUntouched(synced);
      const entry = isUntouched ? synced : readEntry(this.#rules.root, path, synced);
      if (typeof entry !== 'string') {
        this.#entries.push(entry);
        if (entry !== synced && needsHash(synced, entry)) this.#doubtful.push(entry);
        return true;
      }
      this.#skipped.push({ path, reason: entry });
      this.#release(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !path.includes('\ufffd')) return false;
      this.#skipped.push({ path, reason: path.includes('\ufffd') ? 'its name is not UTF-8' : reasonOf(error) });
      this.#unreadable.push(path);
    }
    return false;
  }

  /** Looks at the next in order first, since a lookup by path costs a tenth of a scan. */
  #syncedFor(path: string): SyncedEntry | undefined {
    const synced = this.#nextSynced;
    if (synced?.path !== path) return this.#options.index?.get(path);
    this.#nextSynced = this.#syncedInOrder?.next().value;
    return synced;
  }

  #leaveOut(path: string, rule: Rule, isFolder: boolean): void {
    this.#release(path);
    if (rule.kind === 'credential' && this.#credentials.length < MAX_NAMED) this.#credentials.push(path);
    const found = this.#excluded.get(rule) ?? { count: 0, examples: [] };
    found.count += 1;
    if (found.examples.length < MAX_EXAMPLES) found.examples.push(isFolder ? `${path}/` : path);
    this.#excluded.set(rule, found);
  }

  #release(path: string): void {
    const { index } = this.#options;
    if (index?.get(path) || index?.hasFolder(path)) this.#released.push(path);
  }

  result(): Scan {
    const { paths } = this.#options;
    const hashes = new Map<string, string>();
    for (const { path } of this.#doubtful) {
      const hash = hashFile(`${this.#rules.root}/${path}`, () => this.#options.checkpoint?.(this.#entries.length));
      if (hash) hashes.set(path, hash);
    }
    return {
      startedAtMs: this.#startedAtMs,
      entries: this.#entries,
      scope: paths && [...new Set([...paths])],
      hashes,
      released: this.#released,
      unreadable: this.#unreadable,
      skipped: this.#skipped,
      excluded: [...this.#excluded].map(([rule, { count, examples }]) => ({ rule, count, examples })),
      credentials: this.#credentials,
    };
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM' ? 'it cannot be read: permission denied' : (code ?? String(error));
}
