import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Kind } from '../index/entries.ts';
import { type Generation, NO_GENERATION } from '../index/generation.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { strings } from '../strings.ts';

/** A list that unpacks to more than this, or names more paths, isn't read. */
const MAX_UNPACKED_BYTES = 128_000_000;
const MAX_PATHS = 500_000;

/**
 * Prints `L` at once, as a sign that the sandbox answers, and then the sandbox's contents as records that end with NUL, then with
 * `all` the manifest as an archive, and `W` at the very end. Nothing is stored in the sandbox, whose disk may be full. Starting a
 * process is what costs most on Modal, so GNU's `find` does everything in one pass, and only a list of everything is compressed;
 * any other `find` writes lists of names, in an order of its own.
 *
 * Arguments: the root; two files whose times tell when lists began: this lists what is newer than the first one (everything if
 * that is `all`), and starts the second one; then names of folders to skip. With `all`, a folder is skipped only if the
 * sandbox's own manifest has nothing in it, because the local index may be wrong.
 */
export const LIST_SCRIPT = `set -u; export LC_ALL=C; exec 2>/dev/null; printf L
root=$1 since=$2 next=$3; shift 3
[ -d "$root" ] || { printf none; exit; }
cd "$root" || exit 3
s=${STATE_FOLDER}
generation() { gen=none; [ ! -f $s/gen ] || IFS= read -r gen < $s/gen || :; }
generation; began=$gen
ours=; [ "$since" != all ] || ours=$(cat $s/m/*)
n=$#; while [ $n -gt 0 ]; do p=$1; shift; case $ours in *"$p/"*) ;; *) set -- "$@" -name "$p" -o;; esac; n=$((n - 1)); done
set -- '(' "$@" -path ./$s ')' -prune -o
walk() { find . '(' -path . -printf 'P\\0' -false ')' -o "$@" '(' -type f -o -type l -o -type d ')' -printf '%y%m %s %T@ %p\\0'; }
changed() {
  walk "$@" -cnewer $s/$since '(' -type d -printf 'D%p\\0' -exec sh -c 'exec find "$@" -mindepth 1 -maxdepth 1 -printf "C%p\\0"' sh {} + -o -true ')' \\
    ! -name .
}
plainly() {
  o=$s/out.$$; trap 'rm -rf $o' EXIT; mkdir -p $o || return
  if [ "$since" != all ]; then
    newer=-newer; ! find . -prune -cnewer $s/$since >/dev/null || newer=-cnewer
    find . "$@" -type d $newer $s/$since -print0 > $o/folders
    printf 'F\\0'; cat $o/folders; printf 'I\\0'
    [ ! -s $o/folders ] || xargs -0 sh -c 'find "$@" -mindepth 1 -maxdepth 1 -print0' sh < $o/folders
    set -- "$@" $newer $s/$since
  fi
  find . "$@" ! -name . '(' -type f -o -type l -o -type d ')' -print0 > $o/names
  [ ! -s $o/names ] || xargs -0 stat -c '%f %s %Y' < $o/names > $o/stats
  printf 'N\\0'; cat $o/names; printf 'S\\0'; [ ! -f $o/stats ] || cat $o/stats; printf '\\0'
}
list() {
  printf 'G%s\\0' "$gen"
  if [ "$since" = all ]; then walk "$@" ! -name .; else changed "$@"; fi
  case $? in 0) ;; 1) find --version >/dev/null || plainly "$@" || return;; *) return;; esac
  [ "$since" != all ] || { printf 'T\\0'; [ ! -d $s/m ] || tar -cf - -C $s m; }
  generation; [ "$gen" != "$began" ] || printf W
}
if [ "$since" != all ]; then
  [ -f "$s/$since" ] || since=stamp
  [ -f "$s/$since" ] || echo > "$s/$since"
  { echo > "$s/$next"; } || :
fi
if [ "$since" = all ] && command -v gzip >/dev/null; then list "$@" | gzip -1c; else list "$@"; fi`;

/** A path in the sandbox, as listed. */
export interface RemoteEntry {
  readonly kind: Kind;
  readonly executable: boolean;
  readonly size: number;
  /** The modification time in whole seconds. */
  readonly seconds: number;
}

/** The output of the list script. */
export interface RemoteListing {
  readonly generation: Generation;
  /** The manifest's files, in order. */
  readonly manifest: readonly Buffer[];
  readonly paths: ReadonlyMap<string, RemoteEntry>;
  /** Folders that gained or lost names. */
  readonly folders: readonly string[];
  /** All paths in those folders. */
  readonly children: ReadonlySet<string>;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
const BEGIN = 'L'.charCodeAt(0);
const END = 'W'.charCodeAt(0);
const TYPE_BITS = 0o170000;
const KINDS: Readonly<Record<string, Kind>> = { f: 'file', d: 'folder', l: 'link' };
const KINDS_BY_MODE: ReadonlyMap<number, Kind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
]);
const ENTRY = /^([fdl])([0-7]{1,4}) (\d{1,16}) (-?\d{1,12})(?:\.\d*)? (.*)$/s;

/**
 * Reads what the script printed; undefined if it is incomplete, or if files disappeared while it was listing them. Throws
 * if it exceeds a limit.
 */
export async function readListing(answer: Buffer): Promise<RemoteListing | undefined> {
  if (answer[0] !== BEGIN) return undefined;
  const printed = answer.subarray(1);
  if (printed.toString('latin1') === 'none')
    return { generation: NO_GENERATION, manifest: [], paths: new Map(), folders: [], children: new Set() };
  const output = unpacked(printed);
  if (output?.at(-1) !== END) return undefined;
  const read = readRecords(output.subarray(0, -1));
  if (!read) return undefined;
  const { archive, ...listing } = read;
  const manifest = archive.length > 0 ? await filesIn(archive) : [];
  return manifest && { ...listing, manifest };
}

/** Returns what was compressed; undefined if it is damaged. */
function unpacked(printed: Buffer): Buffer | undefined {
  if (!printed.subarray(0, GZIP.length).equals(GZIP)) return printed;
  try {
    return gunzipSync(printed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new Error(strings.listTooLong());
    return undefined;
  }
}

/** Reads the records up to the archive; undefined if they aren't what the script prints. */
function readRecords(output: Buffer): (Omit<RemoteListing, 'manifest'> & { readonly archive: Buffer }) | undefined {
  let generation: Generation | undefined;
  const paths = new Map<string, RemoteEntry>();
  const folders: string[] = [];
  const children = new Set<string>();
  const names: string[] = [];
  let stats = '';
  let section = '';
  let isWalked = false;
  let archive = output.subarray(output.length);
  for (let at = 0, count = 0; at < output.length; count += 1) {
    if (count > MAX_PATHS) throw new Error(strings.listTooLong());
    const end = output.indexOf(0, at);
    if (end < 0) return undefined;
    const record = output.toString('utf8', at, end);
    at = end + 1;
    const [type = ''] = record;
    const entry = ENTRY.exec(record);
    if (section === 'S') {
      stats = record;
      section = '';
    } else if (record === 'T') {
      archive = output.subarray(at);
      break;
    } else if (type === '.') {
      if (section === 'F') folders.push(relative(record));
      else if (section === 'I') children.add(relative(record));
      else names.push(relative(record));
    } else if (entry) {
      const [, kind = '', mode = '', size, seconds, path = ''] = entry;
      paths.set(relative(path), entryOf(KINDS[kind] as Kind, Number.parseInt(mode, 8), Number(size), Number(seconds)));
    } else if (record === 'P') isWalked = true;
    else if (type === 'G') generation = record.slice(1).trim();
    else if (/^[FINS]$/.test(record)) {
      section = record;
      isWalked ||= section === 'S';
    } else if (type === 'D') folders.push(relative(record.slice(1)));
    else if (type === 'C') children.add(relative(record.slice(1)));
    else return undefined;
  }
  const lines = stats.split('\n').slice(0, -1);
  if (generation === undefined || !isWalked || lines.length !== names.length) return undefined;
  for (const [index, name] of names.entries()) {
    const [hex = '', size, seconds] = (lines[index] as string).split(' ');
    const mode = Number.parseInt(hex, 16);
    const kind = KINDS_BY_MODE.get(mode & TYPE_BITS);
    if (!kind) return undefined;
    paths.set(name, entryOf(kind, mode, Number(size), Number(seconds)));
  }
  return { generation, paths, folders, children, archive };
}

function entryOf(kind: Kind, mode: number, size: number, seconds: number): RemoteEntry {
  return { kind, executable: kind === 'file' && (mode & 0o100) !== 0, size, seconds };
}

/** Returns a path as it is in the index. */
function relative(name: string): string {
  return name.replace(/^\.\/?/, '');
}

/** Returns the files of the manifest in order; undefined if the archive is damaged. */
async function filesIn(output: Buffer): Promise<Buffer[] | undefined> {
  const archive = extract();
  const unpacking = pipeline([Readable.from([output]), archive]);
  unpacking.catch(() => {});
  const members: [string, Buffer][] = [];
  try {
    for await (const entry of archive) {
      const parts: Buffer[] = [];
      for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
      members.push([entry.header.name.replace(/^\.\//, ''), Buffer.concat(parts)]);
    }
    await unpacking;
  } catch {
    return undefined;
  }
  return members
    .filter(([name]) => /^m\/./.test(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, file]) => file);
}
