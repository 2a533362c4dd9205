import { z } from 'zod';
import type { SyncedEntry } from '../index/entries.ts';
import { tarSeconds } from '../push/tar.ts';

/**
 * What a push leaves in the sandbox about itself: one file for each push in `.modal-sync/m/`, named by its generation,
 * so that their names sort in order. First a line of JSON, then for each path its name, NUL, its fields, NUL.
 * A file that says `full` stands for all before it.
 */
export interface ManifestEntry {
  readonly path: string;
  readonly kind: SyncedEntry['kind'];
  readonly executable: boolean;
  readonly size: number;
  /** Whole seconds, as tar set them. */
  readonly seconds: number;
  readonly hash: string;
}

const Header = z.object({ version: z.literal(1), generation: z.string(), full: z.boolean(), records: z.int().min(0) });
const KINDS = { f: 'file', x: 'file', d: 'folder', l: 'link' } as const;
const RECORD_FIELDS = /^([fxdl]) (\d{1,16}) (\d{1,12}) ([\w-]{0,22})$/;

const PART_RECORDS = 1000;

/** A push's file: what it put, and the paths it took away or gave up. */
export function writeManifest(
  generation: string,
  full: boolean,
  put: readonly SyncedEntry[],
  gone: readonly string[],
): Buffer {
  const header = { version: 1, generation, full, records: put.length + gone.length };
  // A path may be taken away as a folder and put as a file: what is put counts.
  const parts = [Buffer.from(`${JSON.stringify(header)}\n${gone.map((path) => `${path}\0-\0`).join('')}`)];
  // In parts, since the text of a large tree as a whole takes several times its size.
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

/**
 * The files of a manifest in order, put together. Undefined when one is damaged or the first one is not full: then
 * nothing is known.
 */
export function readManifest(files: readonly Buffer[]): Map<string, ManifestEntry> | undefined {
  let known: Map<string, ManifestEntry> | undefined;
  for (const file of files) {
    const read = readFile(file);
    if (!read) return undefined;
    if (read.full) known = new Map();
    if (!known) return undefined;
    for (const [path, record] of read.records) {
      known.delete(path);
      if (record === '-') continue;
      const [, letter, size, seconds, hash] = RECORD_FIELDS.exec(record) ?? [];
      if (!letter) return undefined;
      const kind = KINDS[letter as keyof typeof KINDS];
      const numbers = { size: Number(size), seconds: Number(seconds) };
      known.set(path, { path, kind, executable: letter === 'x', ...numbers, hash: hash as string });
    }
  }
  return known;
}

/** All paths in the file of one generation: what its push put, and what it took away or gave up. */
export function pathsIn(files: readonly Buffer[], generation: string): ReadonlySet<string> {
  const read = files.map(readFile).find((file) => file?.generation === generation);
  return new Set(read?.records.map(([path]) => path));
}

interface ManifestFile {
  readonly generation: string;
  readonly full: boolean;
  /** Each path with its fields. */
  readonly records: readonly (readonly [string, string])[];
}

/** Undefined for a damaged file. */
function readFile(file: Buffer): ManifestFile | undefined {
  const end = file.indexOf(0x0a);
  const header = Header.safeParse(parseJson(file.toString('utf8', 0, Math.max(end, 0))));
  if (!header.success) return undefined;
  const fields = file.toString('utf8', end + 1).split('\0');
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
