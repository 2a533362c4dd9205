import { z } from 'zod';
import type { SyncedEntry } from '../index/entries.ts';
import { tarSeconds } from '../push/tar.ts';

/**
 * One path in the manifest, which records in the sandbox what was pushed to it. Each push adds a file in
 * `.modal-sync/m/`, named after its generation, so that file names sort in order. A file is one line of JSON, and then
 * for each path its name, NUL, its fields, NUL. A file marked `full` replaces all earlier ones.
 */
export interface ManifestEntry {
  readonly path: string;
  readonly kind: SyncedEntry['kind'];
  readonly executable: boolean;
  readonly size: number;
  /** The modification time in whole seconds, as set by tar. */
  readonly seconds: number;
  readonly hash: string;
}

const MAX_RECORDS = 1_000_000;

const HeaderSchema = z.object({
  version: z.literal(1),
  generation: z.string(),
  full: z.boolean(),
  records: z.int().min(0).max(MAX_RECORDS),
});
const KINDS = { f: 'file', x: 'file', d: 'folder', l: 'link' } as const;
const RECORD_FIELDS = /^([fxdl]) (\d{1,16}) (\d{1,12}) ([\w-]{0,22})$/;

const PART_RECORDS = 1000;

/** Returns the manifest file of a push: what it puts, and the paths that it deletes or releases. */
export function writeManifest(
  generation: string,
  full: boolean,
  put: readonly SyncedEntry[],
  gone: readonly string[],
): Buffer {
  const header = { version: 1, generation, full, records: put.length + gone.length };
  // A path may be deleted as a folder and put as a file, so the puts come last.
  const parts = [Buffer.from(`${JSON.stringify(header)}\n${gone.map((path) => `${path}\0-\0`).join('')}`)];
  // In parts, because one string for a large tree would take several times its size.
  for (let at = 0; at < put.length; at += PART_RECORDS)
    parts.push(
      Buffer.from(
        put
          .slice(at, at + PART_RECORDS)
          .map(recordOf)
          .join(''),
      ),
    );
  return Buffer.concat(parts);
}

function recordOf({ path, kind, executable, size, mtimeMs, hash }: SyncedEntry): string {
  const letter = kind === 'file' ? (executable ? 'x' : 'f') : kind === 'link' ? 'l' : 'd';
  return `${path}\0${letter} ${size} ${tarSeconds(mtimeMs)} ${hash}\0`;
}

/** Combines the files of a manifest, in order. Undefined if one is damaged, or if the first one isn't full. */
export function readManifest(files: readonly Buffer[]): Map<string, ManifestEntry> | undefined {
  let entries: Map<string, ManifestEntry> | undefined;
  for (const file of files) {
    const read = parseManifestFile(file);
    if (!read) return undefined;
    if (read.full) entries = new Map();
    if (!entries) return undefined;
    for (const [path, record] of read.records) {
      entries.delete(path);
      if (record === '-') continue;
      const [, letter, size, seconds, hash] = RECORD_FIELDS.exec(record) ?? [];
      if (!letter) return undefined;
      const kind = KINDS[letter as keyof typeof KINDS];
      const numbers = { size: Number(size), seconds: Number(seconds) };
      entries.set(path, { path, kind, executable: letter === 'x', ...numbers, hash: hash as string });
    }
  }
  return entries;
}

/** Returns all paths in the file of one generation: what its push put, deleted, or released. */
export function pathsIn(files: readonly Buffer[], generation: string): ReadonlySet<string> {
  const read = files.map(parseManifestFile).find((file) => file?.generation === generation);
  return new Set(read?.records.map(([path]) => path));
}

interface ManifestFile {
  readonly generation: string;
  readonly full: boolean;
  /** Paths with their fields. */
  readonly records: readonly (readonly [string, string])[];
}

/** Undefined if the file is damaged. */
function parseManifestFile(file: Buffer): ManifestFile | undefined {
  const end = file.indexOf(0x0a);
  const header = HeaderSchema.safeParse(parseJson(file.toString('utf8', 0, Math.max(end, 0))));
  if (!header.success) return undefined;
  const fields = file.toString('utf8', end + 1).split('\0', header.data.records * 2 + 2);
  if (fields.pop() !== '' || fields.length !== header.data.records * 2) return undefined;
  const records: [string, string][] = [];
  for (let at = 0; at < fields.length; at += 2) records.push([fields[at] as string, fields[at + 1] as string]);
  return { generation: header.data.generation, full: header.data.full, records };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
