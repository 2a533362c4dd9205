import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { Holding, type Kind, type Sent } from './tree.ts';

/** What is known about one sandbox's copy of a tree, as kept between sessions. */
export interface Kept {
  /** The generation that `holding` describes; `none` when nothing was sent. */
  readonly generation: string;
  /** The number that `generation` starts with. */
  readonly sequence: number;
  readonly holding: Holding;
}

const Header = z.object({
  version: z.literal(1),
  generation: z.string(),
  sequence: z.int().min(0),
  count: z.int().min(0),
  bytes: z.int().min(0),
  crc: z.int(),
});

const KINDS: readonly Kind[] = ['file', 'folder', 'link'];
const NUMBERS = 4;
const Flag = { executable: 4, racy: 8, unsure: 16, pulled: 32 } as const;

/**
 * Writes an index so that it is whole or not there: a line of JSON, then columns (numbers, flags, hashes, names), which
 * is several times faster to read than JSON. Not forced to the disk: a torn file fails its checksum. Throws the file system's error.
 */
export function writeIndex(path: string, { generation, sequence, holding }: Kept): void {
  const entries = [...holding.entries.values()];
  const numbers = new Float64Array(entries.length * NUMBERS);
  const flags = Buffer.alloc(entries.length);
  const texts: string[] = [];
  for (const [at, entry] of entries.entries()) {
    numbers.set([entry.size, entry.mtimeMs, entry.ctimeMs, entry.ino], at * NUMBERS);
    flags[at] =
      KINDS.indexOf(entry.kind) +
      (entry.executable ? Flag.executable : 0) +
      (entry.racy ? Flag.racy : 0) +
      (entry.unsure ? Flag.unsure : 0) +
      (entry.pulled ? Flag.pulled : 0);
    texts.push(entry.path, entry.kind === 'link' ? (entry.target ?? '') : entry.hash);
  }
  const body = Buffer.concat([Buffer.from(numbers.buffer), flags, Buffer.from(texts.join('\0'))]);
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

/** Reads an index; undefined when there is none, or one that is damaged or of another version. */
export function readIndex(path: string): Kept | undefined {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    return undefined;
  }
  const end = file.indexOf(0x0a);
  const header = Header.safeParse(parseJson(file.toString('utf8', 0, Math.max(end, 0))));
  if (!header.success) return undefined;
  const { generation, sequence, count, bytes, crc } = header.data;
  const body = file.subarray(end + 1);
  if (body.length !== bytes || crc32(body) !== crc || bytes < count * (NUMBERS * 8 + 1)) return undefined;
  // A copy, since the columns need not be aligned in the file.
  const numbers = new Float64Array(body.buffer.slice(body.byteOffset, body.byteOffset + count * NUMBERS * 8));
  const flags = body.subarray(numbers.byteLength, numbers.byteLength + count);
  const texts = body.toString('utf8', numbers.byteLength + count).split('\0');
  if (count > 0 && texts.length !== count * 2) return undefined;
  const holding = new Holding();
  for (let at = 0; at < count; at += 1) holding.set(entryAt(at, numbers, flags, texts));
  return { generation, sequence, holding };
}

function entryAt(at: number, numbers: Float64Array, flags: Uint8Array, texts: readonly string[]): Sent {
  const [size, mtimeMs, ctimeMs, ino] = numbers.subarray(at * NUMBERS, at * NUMBERS + NUMBERS) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const flag = flags[at] as number;
  const kind = KINDS[flag & 3] ?? 'file';
  const text = texts[at * 2 + 1] as string;
  return {
    path: texts[at * 2] as string,
    kind,
    executable: (flag & Flag.executable) !== 0,
    size,
    mtimeMs,
    ctimeMs,
    ino,
    hash: kind === 'link' ? '' : text,
    racy: (flag & Flag.racy) !== 0,
    unsure: (flag & Flag.unsure) !== 0,
    ...((flag & Flag.pulled) !== 0 && { pulled: true }),
    ...(kind === 'link' && { target: text }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
