import { z } from 'zod';
import { tarSeconds } from './tar.ts';
import type { Sent } from './tree.ts';

/**
 * What a push leaves in the sandbox about itself: one file for each push in `.modal-sync/m/`, named by its generation,
 * so that their names sort in order. First a line of JSON, then for each path its name, NUL, its fields, NUL.
 * A file that says `full` stands for all before it.
 */
export interface Remembered {
  readonly path: string;
  readonly kind: Sent['kind'];
  readonly executable: boolean;
  readonly size: number;
  /** Whole seconds, as tar set them. */
  readonly seconds: number;
  readonly hash: string;
}

const Header = z.object({ version: z.literal(1), generation: z.string(), full: z.boolean(), records: z.int().min(0) });
const KINDS = { f: 'file', x: 'file', d: 'folder', l: 'link' } as const;
const RECORD_FIELDS = /^([fxdl]) (\d{1,16}) (\d{1,12}) ([\w-]{0,22})$/;

/** A push's file: what it put, and the paths it took away or gave up. */
export function writeManifest(
  generation: string,
  full: boolean,
  put: readonly Sent[],
  gone: readonly string[],
): Buffer {
  const header = { version: 1, generation, full, records: put.length + gone.length };
  const records = put.map(
    ({ path, kind, executable, size, mtimeMs, hash }) =>
      `${path}\0${kind === 'file' ? (executable ? 'x' : 'f') : kind === 'link' ? 'l' : 'd'} ${size} ${tarSeconds(mtimeMs)} ${hash}\0`,
  );
  // A path may be taken away as a folder and put as a file: what is put counts.
  return Buffer.from(`${JSON.stringify(header)}\n${gone.map((path) => `${path}\0-\0`).join('')}${records.join('')}`);
}

/**
 * The files of a manifest in order, put together. Undefined when one is damaged or the first one is not full: then
 * nothing is known.
 */
export function readManifest(files: readonly Buffer[]): Map<string, Remembered> | undefined {
  let known: Map<string, Remembered> | undefined;
  for (const file of files) {
    const end = file.indexOf(0x0a);
    const header = Header.safeParse(parseJson(file.toString('utf8', 0, Math.max(end, 0))));
    if (!header.success) return undefined;
    const fields = file.toString('utf8', end + 1).split('\0');
    if (fields.pop() !== '' || fields.length !== header.data.records * 2) return undefined;
    if (header.data.full) known = new Map();
    if (!known) return undefined;
    for (let at = 0; at < fields.length; at += 2) {
      const [path, record] = fields.slice(at, at + 2) as [string, string];
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
