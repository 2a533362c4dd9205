import type { Kind, SyncedEntry } from './entries.ts';

const KINDS: readonly Kind[] = ['file', 'folder', 'link'];
const NUMBERS_PER_ENTRY = 4;
const Flag = { executable: 4, racy: 8, uncertain: 16, pulled: 32 } as const;

/** Encodes entries in columns (numbers, flags, names, and hashes), which read several times faster than JSON. */
export function encodeColumns(entries: readonly SyncedEntry[]): Buffer<ArrayBuffer> {
  const text = entries
    .map((entry) => `${entry.path}\0${entry.kind === 'link' ? (entry.target ?? '') : entry.hash}`)
    .join('\0');
  const [flags, texts] = [entries.length * NUMBERS_PER_ENTRY * 8, entries.length * (NUMBERS_PER_ENTRY * 8 + 1)];
  const bytes = Buffer.from(new ArrayBuffer(texts + Buffer.byteLength(text)));
  const numbers = new Float64Array(bytes.buffer, 0, entries.length * NUMBERS_PER_ENTRY);
  for (const [at, entry] of entries.entries()) {
    numbers[at * NUMBERS_PER_ENTRY] = entry.size;
    numbers[at * NUMBERS_PER_ENTRY + 1] = entry.mtimeMs;
    numbers[at * NUMBERS_PER_ENTRY + 2] = entry.ctimeMs;
    numbers[at * NUMBERS_PER_ENTRY + 3] = entry.ino;
    bytes[flags + at] =
      KINDS.indexOf(entry.kind) +
      (entry.executable ? Flag.executable : 0) +
      (entry.racy ? Flag.racy : 0) +
      (entry.uncertain ? Flag.uncertain : 0) +
      (entry.pulled ? Flag.pulled : 0);
  }
  bytes.write(text, texts);
  return bytes;
}

/** Reads the entries that `encodeColumns` encoded. */
export class IndexColumns {
  readonly count: number;
  readonly #numbers: Float64Array;
  readonly #flags: Uint8Array;
  readonly #texts: readonly string[];

  private constructor(count: number, numbers: Float64Array, flags: Uint8Array, texts: readonly string[]) {
    this.count = count;
    this.#numbers = numbers;
    this.#flags = flags;
    this.#texts = texts;
  }

  /** Undefined if the bytes don't hold this many entries. */
  static of(bytes: Buffer, count: number): IndexColumns | undefined {
    if (bytes.length < count * (NUMBERS_PER_ENTRY * 8 + 1)) return undefined;
    // A copy, because the bytes may not be aligned.
    const numbers = new Float64Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + count * NUMBERS_PER_ENTRY * 8),
    );
    const flags = bytes.subarray(numbers.byteLength, numbers.byteLength + count);
    const texts = bytes.toString('utf8', numbers.byteLength + count).split('\0');
    return count > 0 && texts.length !== count * 2 ? undefined : new IndexColumns(count, numbers, flags, texts);
  }

  *entries(): Generator<SyncedEntry> {
    for (let at = 0; at < this.count; at += 1) yield this.at(at);
  }

  at(at: number): SyncedEntry {
    const [number, numbers] = [at * NUMBERS_PER_ENTRY, this.#numbers];
    const flag = this.#flags[at] as number;
    const kind = KINDS[flag & 3] ?? 'file';
    const text = this.#texts[at * 2 + 1] as string;
    return {
      path: this.#texts[at * 2] as string,
      kind,
      executable: (flag & Flag.executable) !== 0,
      size: numbers[number] as number,
      mtimeMs: numbers[number + 1] as number,
      ctimeMs: numbers[number + 2] as number,
      ino: numbers[number + 3] as number,
      hash: kind === 'link' ? '' : text,
      racy: (flag & Flag.racy) !== 0,
      uncertain: (flag & Flag.uncertain) !== 0,
      ...((flag & Flag.pulled) !== 0 && { pulled: true }),
      ...(kind === 'link' && { target: text }),
    };
  }
}
