/** What a path is. Folders are listed only when nothing in them is synced; others come with what is in them. */
export type Kind = 'file' | 'folder' | 'link';

/** Something of the local tree. Paths are relative to the root, with `/`. */
export interface Entry {
  readonly path: string;
  readonly kind: Kind;
  readonly executable: boolean;
  /** Bytes of a file, else 0. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** Target of a link. */
  readonly target?: string;
}

/** What the sandbox was given for a path, and how the local file looked then. */
export interface SyncedEntry extends Entry {
  /** First 16 bytes of the content's SHA-256 in base64url; empty for what is not a file. */
  readonly hash: string;
  /** Written so shortly before it was read that its times cannot tell whether it was written again. */
  readonly racy: boolean;
  /** What the sandbox holds is not known; the next push sends it whatever the index says. */
  readonly uncertain: boolean;
  /** Kinds that it may have there besides its own, since pushes that changed it did not tell how they ended. */
  readonly possibleKinds?: readonly Kind[] | undefined;
  /**
   * Came from the very sandbox since its last push, so that its manifest does not tell of it yet, and another sandbox at
   * the same generation need not have it.
   */
  readonly pulled?: boolean | undefined;
}

/** Everything a sandbox holds of a tree, by path, as of one generation. */
export class SyncIndex {
  readonly entries = new Map<string, SyncedEntry>();
  /** Paths of those that were pulled since the last push. */
  readonly pulled = new Set<string>();
  /** Number of children in each folder that has any. */
  readonly #children = new Map<string, number>();

  constructor(entries: Iterable<SyncedEntry> = []) {
    for (const entry of entries) this.set(entry);
  }

  get size(): number {
    return this.entries.size;
  }

  get(path: string): SyncedEntry | undefined {
    return this.entries.get(path);
  }

  set(entry: SyncedEntry): void {
    if (!this.entries.has(entry.path)) this.#count(entry.path);
    this.entries.set(entry.path, entry);
    if (entry.pulled) this.pulled.add(entry.path);
    else this.pulled.delete(entry.path);
  }

  delete(path: string): void {
    if (this.entries.delete(path)) this.#discount(path);
    this.pulled.delete(path);
  }

  /** Whether the sandbox has this folder. */
  hasFolder(path: string): boolean {
    return path === '' || this.#children.has(path) || this.entries.get(path)?.kind === 'folder';
  }

  /** Children that are files, links, listed folders, or folders with such below them. */
  childCount(folder: string): number {
    return this.#children.get(folder) ?? 0;
  }

  #count(path: string): void {
    for (let child = path; child !== ''; ) {
      const parent = parentOf(child);
      const count = this.#children.get(parent) ?? 0;
      this.#children.set(parent, count + 1);
      if (count > 0) return;
      child = parent;
    }
  }

  #discount(path: string): void {
    for (let child = path; child !== ''; ) {
      const parent = parentOf(child);
      const count = this.#children.get(parent) ?? 0;
      if (count > 1) {
        this.#children.set(parent, count - 1);
        return;
      }
      this.#children.delete(parent);
      child = parent;
    }
  }
}

/** The folder of a path; `''` for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** Whether a path is the folder or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** Whether the local file may differ from what was sent, as far as its inode tells. "Different", never "newer". */
export function looksChanged(synced: SyncedEntry, entry: Entry): boolean {
  return (
    synced.racy ||
    synced.size !== entry.size ||
    synced.mtimeMs !== entry.mtimeMs ||
    synced.ctimeMs !== entry.ctimeMs ||
    synced.ino !== entry.ino
  );
}

/** Whether only its content can tell if a file changed. */
export function needsHash(synced: SyncedEntry | undefined, entry: Entry): boolean {
  return (
    synced?.kind === 'file' &&
    entry.kind === 'file' &&
    !synced.uncertain &&
    synced.hash !== '' &&
    synced.size === entry.size &&
    looksChanged(synced, entry)
  );
}

/** Longest time in which two writes may leave the same time behind, on file systems with fine and with coarse clocks. */
const RACY_MS = { fine: 20, coarse: 2000 } as const;

/** Whether a file with these times, read at `readAtMs`, could be written again without a trace. */
export function isRacy(entry: Entry, readAtMs: number): boolean {
  const windowMs = entry.mtimeMs % 1000 === 0 ? RACY_MS.coarse : RACY_MS.fine;
  return Math.max(entry.mtimeMs, entry.ctimeMs) > readAtMs - windowMs;
}
