/** The files that a repository tracks, relative to its top. */
export class TrackedFiles {
  readonly #names: ReadonlySet<string>;
  #folders: ReadonlySet<string> | undefined;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  get size(): number {
    return this.#names.size;
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  /** Returns true if a folder contains a tracked file. */
  hasBelow(folder: string): boolean {
    if (this.#names.size === 0) return false;
    this.#folders ??= foldersOf(this.#names);
    return this.#folders.has(folder);
  }
}

/** Returns all folders that contain any of the paths. */
export function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}

const ENTRY_BYTES = 62;
const MODE_AT = 24;
const SUBMODULE = 0o160000;
const SPARSE_FOLDER = 0o040000;

/**
 * Returns the names of the files in a Git index (gitformat-index(5), versions 2 to 4, SHA-1). Undefined for split and
 * sparse indexes, SHA-256 repositories, and damaged files.
 */
export function parseGitIndex(index: Buffer): string[] | undefined {
  if (index.length < 32 || index.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = index.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const names: string[] = [];
  let at = 12;
  let name = '';
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    if (at + ENTRY_BYTES > index.length) return undefined;
    const mode = index.readUInt32BE(at + MODE_AT);
    const extended = version >= 3 && (index.readUInt16BE(at + 60) & 0x4000) !== 0;
    let nameAt = at + ENTRY_BYTES + (extended ? 2 : 0);
    let kept = '';
    if (version === 4) {
      const strip = readOffset(index, nameAt);
      nameAt = strip.end;
      kept = name.slice(0, name.length - strip.value);
    }
    const end = index.indexOf(0, nameAt);
    if (end < 0 || mode === SPARSE_FOLDER) return undefined;
    name = kept + index.toString('latin1', nameAt, end);
    // Entries of versions 2 and 3 are padded with one to eight NULs.
    at = version === 4 ? end + 1 : at + ((end - at + 8) & ~7);
    if (mode !== SUBMODULE) names.push(Buffer.from(name, 'latin1').toString());
  }
  return hasOnlyKnownExtensions(index, at) ? names : undefined;
}

/** Reads a variable-width number of version 4. */
function readOffset(index: Buffer, start: number): { value: number; end: number } {
  let at = start;
  let byte = index[at] ?? 0;
  let value = byte & 0x7f;
  while (byte & 0x80) {
    at += 1;
    byte = index[at] ?? 0;
    value = ((value + 1) << 7) | (byte & 0x7f);
  }
  return { value, end: at + 1 };
}

/**
 * Extensions whose names start with a lowercase letter change what the entries mean. Misread entries end up in one,
 * too.
 */
function hasOnlyKnownExtensions(index: Buffer, start: number): boolean {
  let at = start;
  while (at + 8 <= index.length - 20) {
    const first = index[at] as number;
    if (first < 0x41 || first > 0x5a) return false;
    at += 8 + index.readUInt32BE(at + 4);
  }
  return at === index.length - 20;
}
