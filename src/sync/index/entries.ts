/** The kind of an entry. Only folders without synced contents are entries; others exist through their contents. */
export type Kind = 'file' | 'folder' | 'link';

/** An entry of the local folder. Paths are relative to the root, with `/`. */
export interface Entry {
  readonly path: string;
  readonly kind: Kind;
  readonly executable: boolean;
  /** The size of a file in bytes; 0 for other kinds. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** The target of a link. */
  readonly target?: string;
}

/** An entry as it was last synced to the sandbox, with the local file's attributes at the time. */
export interface SyncedEntry extends Entry {
  /** The first 16 bytes of the content's SHA-256 in base64url; empty for other kinds than files. */
  readonly hash: string;
  /** Racily clean: written so recently before it was read that a second write might leave the same times. */
  readonly racy: boolean;
  /** True if the sandbox may hold something else, so that the next push sends the entry in any case. */
  readonly uncertain: boolean;
  /** Other kinds that it may have in the sandbox, because the outcome of a push is unknown. */
  readonly possibleKinds?: readonly Kind[] | undefined;
  /**
   * Pulled from this sandbox since its last push. The sandbox's manifest doesn't contain it yet, and another sandbox at
   * the same generation may not have it.
   */
  readonly pulled?: boolean | undefined;
}

/**
 * The contents of the folder in a sandbox at one generation, by path: the common ancestor of the local and the remote
 * side.
 */
export class SyncIndex {
  readonly entries = new Map<string, SyncedEntry>();
  /** Paths of entries that were pulled since the last push. */
  readonly pulled = new Set<string>();
  /** The number of children of each folder that has any. */
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

  /** Returns true if the sandbox has this folder. */
  hasFolder(path: string): boolean {
    return path === '' || this.#children.has(path) || this.entries.get(path)?.kind === 'folder';
  }

  /** Returns the number of children: files, links, listed folders, and folders that contain any of those. */
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

/** Returns the parent folder of a path; `''` for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** Returns true if a path is the folder itself or below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/**
 * Returns true if the local file may differ from the synced one, judging by its inode. Compares for equality, never for
 * age.
 */
export function looksChanged(synced: SyncedEntry, entry: Entry): boolean {
  return (
    synced.racy ||
    synced.size !== entry.size ||
    synced.mtimeMs !== entry.mtimeMs ||
    synced.ctimeMs !== entry.ctimeMs ||
    synced.ino !== entry.ino
  );
}

/** Returns true if only its content can show if a file has changed. */
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

/** The maximum time between two writes with the same timestamp, on file systems with fine and with coarse clocks. */
const RACY_MS = { fine: 20, coarse: 2000 } as const;

/** Returns true if a file with these times, read at `readAtMs`, could be written again without a visible change. */
export function isRacy(entry: Entry, readAtMs: number): boolean {
  const windowMs = entry.mtimeMs % 1000 === 0 ? RACY_MS.coarse : RACY_MS.fine;
  return Math.max(entry.mtimeMs, entry.ctimeMs) > readAtMs - windowMs;
}
