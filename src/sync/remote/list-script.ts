import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Kind } from '../index/entries.ts';
import { type Generation, NO_GENERATION } from '../index/generation.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { strings } from '../strings.ts';

/** A list that unpacks to more than this, or names more paths, isn't read. */
const MAX_UNPACKED_BYTES = 128_000_000;
const MAX_PATHS = 500_000;

/**
 * Prints the sandbox's contents as an archive of lists, compressed if possible. Line breaks before it tell that the lists
 * are still being made.
 *
 * Arguments: the root; `all` for everything and the manifest, or `changed` for what is newer than the last list that
 * was processed; 1 if the last list was processed; then names of folders to skip. With `all`, a folder is skipped only if
 * the sandbox's own manifest has nothing in it, because the local index may be wrong.
 */
export const LIST_SCRIPT = `set -u; export LC_ALL=C; exec 2>/dev/null
root=$1 what=$2 taken=$3; shift 3
[ -d "$root" ] || { printf none; exit; }
cd "$root" || exit 3
s=${STATE_FOLDER} o=$s/out.$$
mkdir -p $o || exit 4
trap 'cd "$root" && rm -rf $o' EXIT
[ "$taken" != 1 ] || [ ! -f $s/stamp.next ] || mv -f $s/stamp.next $s/stamp
: > $s/stamp.next
while echo; do sleep 5 >/dev/null; done &
working=$!
[ ! -f $s/gen ] || cp $s/gen $o/gen
ours() { [ "$what" = all ] && cat $s/m/* | tr '\\0' '\\n' | grep -qF "$1/"; }
n=$#; while [ $n -gt 0 ]; do p=$1; shift; ours "$p" || set -- "$@" -name "$p" -o; n=$((n - 1)); done
set -- '(' "$@" -path ./$s ')' -prune -o ! -name .
if [ "$what" = all ]; then
  [ ! -d $s/m ] || cp -R $s/m $o/m
else
  [ -f $s/stamp ] || : > $s/stamp
  newer=-newer; ! find . -prune -cnewer $s/stamp >/dev/null || newer=-cnewer
  find . '(' -path ./$s ')' -prune -o -type d $newer $s/stamp -print0 > $o/folders
  [ ! -s $o/folders ] || xargs -0 sh -c 'find "$@" -mindepth 1 -maxdepth 1 -print0' sh < $o/folders > $o/children
  set -- "$@" $newer $s/stamp
fi
find . "$@" '(' -type f -o -type l -o -type d ')' -print0 > $o/names
[ ! -s $o/names ] || xargs -0 stat -c '%f %s %Y' < $o/names > $o/stats
: > $o/whole
kill $working; wait $working
limit=cat; ! command -v head >/dev/null || limit='head -c ${MAX_UNPACKED_BYTES + 1}'
if command -v gzip >/dev/null; then tar -cf - -C $o . | $limit | gzip -1c; else tar -cf - -C $o .; fi`;

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

const NEWLINE = 0x0a;
const TYPE_BITS = 0o170000;
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
]);

/**
 * Reads what the script printed; undefined if it is incomplete, or if files disappeared while it was listing them. Throws
 * if it exceeds a limit.
 */
export async function readListing(printed: Buffer): Promise<RemoteListing | undefined> {
  const start = printed.findIndex((byte) => byte !== NEWLINE);
  const output = printed.subarray(Math.max(start, 0));
  if (output.length === 4 && output.toString('latin1') === 'none')
    return { generation: NO_GENERATION, manifest: [], paths: new Map(), folders: [], children: new Set() };
  const members = await membersOf(output);
  if (!members?.has('whole')) return undefined;
  const names = namesIn(members.get('names'));
  const stats = (members.get('stats')?.toString('latin1') ?? '').split('\n', MAX_PATHS + 2).slice(0, -1);
  if (names.length !== stats.length) return undefined;
  const paths = new Map<string, RemoteEntry>();
  for (const [at, name] of names.entries()) {
    const [mode = '', size, seconds] = (stats[at] as string).split(' ');
    const kind = KINDS.get(Number.parseInt(mode, 16) & TYPE_BITS);
    if (!kind) return undefined;
    const executable = kind === 'file' && (Number.parseInt(mode, 16) & 0o100) !== 0;
    paths.set(name, { kind, executable, size: Number(size), seconds: Number(seconds) });
  }
  return {
    generation: members.get('gen')?.toString().trim() ?? NO_GENERATION,
    manifest: [...members]
      .filter(([name]) => /^m\/./.test(name))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, file]) => file),
    paths,
    folders: namesIn(members.get('folders')),
    children: new Set(namesIn(members.get('children'))),
  };
}

/** Unpacks the archive; undefined if it is damaged. */
async function membersOf(output: Buffer): Promise<Map<string, Buffer> | undefined> {
  const isCompressed = output[0] === 0x1f && output[1] === 0x8b;
  const members = new Map<string, Buffer>();
  let bytes = 0;
  const unpacked = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      done(bytes > MAX_UNPACKED_BYTES ? new Error('too long') : null, chunk);
    },
  });
  const archive = extract();
  const unpacking = pipeline([Readable.from([output]), ...(isCompressed ? [createGunzip()] : []), unpacked, archive]);
  unpacking.catch(() => {});
  try {
    for await (const entry of archive) {
      const parts: Buffer[] = [];
      for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
      members.set(entry.header.name.replace(/^\.\//, ''), Buffer.concat(parts));
    }
    await unpacking;
  } catch {
    if (bytes > MAX_UNPACKED_BYTES) throw new Error(strings.listTooLong());
    return undefined;
  }
  return members;
}

/** Throws if there are too many. */
function namesIn(list: Buffer | undefined): string[] {
  const names = (list?.toString('utf8') ?? '').split('\0', MAX_PATHS + 2).slice(0, -1);
  if (names.length > MAX_PATHS) throw new Error(strings.listTooLong());
  return names.map((name) => name.replace(/^\.\/?/, (dots) => (dots === './' || name === '.' ? '' : dots)));
}
