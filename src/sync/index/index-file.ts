import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { SyncIndex } from './entries.ts';
import type { Generation } from './generation.ts';
import { encodeColumns, IndexColumns } from './index-columns.ts';

/** The state of the folder in one sandbox, as stored between sessions. */
export interface SavedState {
  /** The generation that `index` describes. */
  readonly generation: Generation;
  /** The number that `generation` starts with. */
  readonly sequence: number;
  readonly index: SyncIndex;
}

const HeaderSchema = z.object({
  version: z.literal(1),
  generation: z.string(),
  sequence: z.int().min(0),
  count: z.int().min(0),
  bytes: z.int().min(0),
  crc: z.int(),
});

/**
 * Writes an index atomically: one line of JSON, then columns. Not flushed to the disk, because a torn file fails its
 * checksum. Throws the file system's error.
 */
export function writeIndex(path: string, { generation, sequence, index }: SavedState): void {
  const entries = [...index.entries.values()];
  const body = encodeColumns(entries);
  const header = { version: 1, generation, sequence, count: entries.length, bytes: body.length, crc: crc32(body) };
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const fd = openSync(temporary, 'w');
    try {
      writeSync(fd, `${JSON.stringify(header)}\n`);
      for (let at = 0; at < body.length; ) at += writeSync(fd, body, at);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Reads an index; undefined if it doesn't exist, is damaged, or has another version. */
export function readIndex(path: string): SavedState | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return undefined;
  }
  const end = file.indexOf(0x0a);
  const header = HeaderSchema.safeParse(parseJson(file.toString('utf8', 0, Math.max(end, 0))));
  if (!header.success) return undefined;
  const { generation, sequence, count, bytes, crc } = header.data;
  const body = file.subarray(end + 1);
  if (body.length !== bytes || crc32(body) !== crc) return undefined;
  const columns = IndexColumns.of(body, count);
  return columns && { generation, sequence, index: new SyncIndex(columns.entries()) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
