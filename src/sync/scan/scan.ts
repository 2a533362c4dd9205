import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { type Entry, isWithin, needsHash, parentOf, type SyncedEntry, type SyncIndex } from '../index/entries.ts';
import { markersIn, statOf, UnreadableRules } from '../rules/folder-markers.ts';
import { foldersOf } from '../rules/git-index.ts';
import { explainTarget, isKeptBack } from '../rules/links.ts';
import type { Rule } from '../rules/rule.ts';
import type { FolderRules, Rules } from '../rules/rules.ts';
import { strings } from '../strings.ts';
import { exclusionNotice, type Notice, notice } from './notices.ts';
import { hashFile, readEntry, reasonOf } from './read-entry.ts';

/** A path that isn't synced although no rule excludes it. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
  /** Set if the reason stays until the user changes something, so that telling it once is enough. */
  readonly isLasting?: true;
}

/** The paths that one rule excluded. */
export interface Exclusion {
  readonly rule: Rule;
  /** The number of files and folders. Each folder counts as one. */
  readonly count: number;
  /** The first few paths. */
  readonly examples: readonly string[];
}

/** The local folder, or the requested parts of it. */
export interface Scan {
  /** The start time of the scan, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** A file that is certainly unchanged is the index's own entry. */
  readonly entries: readonly Entry[];
  /** The paths that the scan covers, with everything below them; undefined if it covers the whole folder. */
  readonly scope: readonly string[] | undefined;
  /** Hashes of the files whose attributes weren't conclusive, by path. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Synced paths that rules exclude now. They stay in the sandbox. */
  readonly released: readonly string[];
  /** Folders that couldn't be read. Nothing below them counts as deleted. */
  readonly unreadable: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly excluded: readonly Exclusion[];
  readonly credentials: readonly string[];
  readonly notices: readonly Notice[];
}

export interface ScanOptions {
  /** The index, so that only files that may have changed are hashed. */
  readonly index?: SyncIndex;
  /** Paths to scan. Defaults to the whole folder. */
  readonly paths?: readonly string[];
  /** Checks synced files in parallel, for a scan of the whole folder. */
  readonly ahead?: AheadChecks | undefined;
  /** Called before each folder and file, which can take long on a network drive. Throws to cancel the scan. */
  checkpoint?(files: number): void;
}

/** Checks of the same files, made ahead of the scan. */
export interface AheadChecks {
  /** Returns true if the file was checked since the scan started and looks unchanged. */
  isUntouched(synced: SyncedEntry): boolean;
}

const MAX_EXAMPLES = 3;
const MAX_CREDENTIALS = 200;
const MAX_NOTICES = 1000;

/**
 * Lists what to sync. Synchronous because that is several times faster than promises, for use in a worker. Throws the
 * file system's error if the root can't be read.
 */
export function scan(rules: Rules, options: ScanOptions = {}): Scan {
  const walk = new Walk(rules, options);
  if (options.paths) walk.paths(options.paths);
  else walk.everything();
  return walk.result();
}

class Walk {
  readonly #rules: Rules;
  readonly #options: ScanOptions;
  readonly #startedAtMs = Date.now();
  readonly #entries: Entry[] = [];
  readonly #inconclusive: Entry[] = [];
  readonly #released: string[] = [];
  readonly #unreadable: string[] = [];
  readonly #skipped: Skipped[] = [];
  readonly #credentials: string[] = [];
  readonly #notices = new Map<string, Notice>();
  readonly #excluded = new Map<Rule, { count: number; examples: string[] }>();
  /** The entries of the index in their order, which is mostly the order of the scan, too. */
  readonly #syncedInOrder: Iterator<SyncedEntry, undefined> | undefined;
  #nextSynced: SyncedEntry | undefined;

  constructor(rules: Rules, options: ScanOptions) {
    this.#rules = rules;
    this.#options = options;
    this.#syncedInOrder = options.index?.entries.values();
    this.#nextSynced = this.#syncedInOrder?.next().value;
  }

  everything(): void {
    const listing = readdirSync(this.#rules.root, { withFileTypes: true });
    this.#folder('', listing, this.#rules.top(markersIn(listing)));
  }

  /** Scans only the given paths, and updates the folders that contain them if those became empty or non-empty. */
  paths(paths: readonly string[]): void {
    lstatSync(this.#rules.root);
    const parents = foldersOf(paths);
    const asked = new Set(paths);
    for (const path of asked) {
      // Scanned with a folder that contains it.
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

  /** Returns the rules for a folder and its listing; undefined if it is excluded or doesn't exist. */
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
        folder = folder.enter(name, markersIn(listing));
      } catch (error) {
        this.#leaveOut(at, error);
        return undefined;
      }
    }
    return { folder, listing };
  }

  #hasSynced(listing: readonly Dirent[], folder: FolderRules): boolean {
    return listing.some((child) => folder.judge(child.name, child.isDirectory()).rule.included);
  }

  /** Scans a folder, and returns how many of its names are synced. */
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

  /** Scans a child, and returns 1 if something was added for it, else 0. */
  #child(path: string, child: Dirent, folder: FolderRules): number {
    const isFolder = child.isDirectory();
    const { rule, enter } = folder.judge(child.name, isFolder);
    if (isFolder && enter) return this.#enter(path, child.name, folder);
    if (!rule.included) {
      this.#exclude(path, rule, isFolder, folder);
      return 0;
    }
    return this.#add(path) ? 1 : 0;
  }

  #enter(path: string, name: string, folder: FolderRules): number {
    let listing: Dirent[];
    let rules: FolderRules;
    try {
      listing = readdirSync(`${this.#rules.root}/${path}`, { withFileTypes: true });
      rules = folder.enter(name, markersIn(listing));
    } catch (error) {
      this.#leaveOut(path, error);
      return 1;
    }
    return this.#folder(path, listing, rules) > 0 ? 1 : 0;
  }

  /** Leaves a folder as it is in the sandbox, because it or its rules can't be read. */
  #leaveOut(path: string, error: unknown): void {
    this.#unreadable.push(path);
    this.#skipped.push({ path, reason: error instanceof UnreadableRules ? error.message : reasonOf(error, path) });
  }

  #add(path: string): boolean {
    this.#options.checkpoint?.(this.#entries.length);
    try {
      const synced = this.#syncedFor(path);
      const isUntouched = synced !== undefined && this.#options.ahead?.isUntouched(synced);
      const entry = isUntouched ? synced : readEntry(this.#rules.root, path, synced);
      const reason = typeof entry === 'string' ? entry : this.#linkRefusal(entry);
      if (typeof entry !== 'string' && reason === undefined) {
        this.#entries.push(entry);
        if (entry !== synced && needsHash(synced, entry)) this.#inconclusive.push(entry);
        return true;
      }
      this.#skipped.push({ path, reason: reason ?? '', isLasting: true });
      this.#release(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !path.includes('\ufffd')) return false;
      this.#skipped.push({ path, reason: reasonOf(error, path) });
      this.#unreadable.push(path);
    }
    return false;
  }

  /** Returns why a link isn't sent: a built-in rule keeps its target back. Notes links to what other rules keep back. */
  #linkRefusal({ kind, path, target = '' }: Entry): string | undefined {
    if (kind !== 'link') return undefined;
    const leadsTo = explainTarget(this.#rules, path, target);
    if (!leadsTo || isKeptBack(leadsTo)) return strings.linkToExcluded(target);
    if (!leadsTo.included && !leadsTo.isScanned) this.#note(notice('dangling-link', path));
    return undefined;
  }

  #note(found: Notice | undefined): void {
    if (found && this.#notices.size < MAX_NOTICES) this.#notices.set(`${found.kind}\0${found.path}`, found);
  }

  /** Tries the next entry in order first, because lookups by path take a tenth of a scan. */
  #syncedFor(path: string): SyncedEntry | undefined {
    const synced = this.#nextSynced;
    if (synced?.path !== path) return this.#options.index?.get(path);
    this.#nextSynced = this.#syncedInOrder?.next().value;
    return synced;
  }

  #exclude(path: string, rule: Rule, isFolder: boolean, folder: FolderRules): void {
    this.#note(exclusionNotice(path, rule, isFolder, folder));
    this.#release(path);
    if (rule.kind === 'credential' && this.#credentials.length < MAX_CREDENTIALS) this.#credentials.push(path);
    const found = this.#excluded.get(rule) ?? { count: 0, examples: [] };
    found.count += 1;
    if (found.examples.length < MAX_EXAMPLES) found.examples.push(isFolder ? `${path}/` : path);
    this.#excluded.set(rule, found);
  }

  /** Lets go of what is synced at a path and below it, except for what is gone here: that is to be deleted there too. */
  #release(path: string): void {
    const { index } = this.#options;
    const synced = index?.get(path);
    if (synced && this.#isHere(synced)) this.#released.push(path);
    if (!index?.hasFolder(path)) return;
    for (const entry of index.entries.values())
      if (entry.path !== path && isWithin(entry.path, path) && this.#isHere(entry)) this.#released.push(entry.path);
  }

  #isHere({ path, kind }: SyncedEntry): boolean {
    const stat = statOf(`${this.#rules.root}/${path}`);
    if (kind === 'folder') return stat?.isDirectory() === true;
    return kind === 'link' ? stat?.isSymbolicLink() === true : stat?.isFile() === true;
  }

  result(): Scan {
    const { paths } = this.#options;
    const { include, exclude } = this.#rules;
    if (!paths) {
      for (const text of this.#rules.unmatched(include)) this.#note(notice('unmatched-include', text));
      for (const text of this.#rules.unmatched(exclude)) this.#note(notice('unmatched-exclude', text));
    }
    const hashes = new Map<string, string>();
    for (const { path } of this.#inconclusive) {
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
      notices: [...this.#notices.values()],
    };
  }
}
