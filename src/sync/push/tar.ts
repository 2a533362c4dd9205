/**
 * Writes headers of the ustar format, preceded by a PAX header if they don't fit (POSIX pax, "ustar Interchange
 * Format"). Names are UTF-8. Written by hand so that the engine's thread can fill large buffers without a stream.
 */
export const BLOCK = 512;
/** Archives end with a whole record, so that no reader leaves bytes in the pipe. */
export const RECORD = 20 * BLOCK;

/** One member of an archive. */
export interface Member {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link';
  readonly executable: boolean;
  /** Bytes of content. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly target?: string | undefined;
}

const TYPE_FLAGS = { file: '0', folder: '5', link: '2' } as const;
const MAX_NAME = 100;
const MAX_PREFIX = 155;
const MAX_SIZE = 8 ** 11 - 1;

/** Rounds a size up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Returns a time in whole seconds, as archives store it. Times before 1970 become 1970, which every tar can read. */
export function tarSeconds(mtimeMs: number): number {
  return Math.min(Math.max(Math.floor(mtimeMs / 1000), 0), MAX_SIZE);
}

/** Returns the maximum size of the header that `writeHeader` writes for these names, in bytes. */
export function headerBytes({ name, target = '', size }: Pick<Member, 'name' | 'target' | 'size'>): number {
  // UTF-8 takes at most three bytes for each UTF-16 code unit.
  if (name.length * 3 <= MAX_NAME && target.length * 3 <= MAX_NAME && size <= MAX_SIZE) return BLOCK;
  return 3 * BLOCK + padded((name.length + target.length) * 3 + 200);
}

/**
 * Writes a member's header into `slab` at `at`, which must have room for `headerBytes`. Returns the offset after it.
 */
export function writeHeader(slab: Buffer, at: number, member: Member): number {
  const { name, size, target = '' } = member;
  let place = name.length * 3 <= MAX_NAME ? { name, prefix: '' } : splitName(name);
  const records: string[] = [];
  if (!place) {
    records.push(paxRecord('path', name));
    place = { name: 'long', prefix: '' };
  }
  const longTarget = Buffer.byteLength(target) > MAX_NAME;
  if (longTarget) records.push(paxRecord('linkpath', target));
  if (size > MAX_SIZE) records.push(paxRecord('size', String(size)));
  let next = at;
  if (records.length > 0) {
    const text = Buffer.from(records.join(''));
    next = writeBlock(slab, next, { ...member, name: 'pax', size: text.length, target: '' }, '', 'x');
    slab.fill(0, next, next + padded(text.length));
    text.copy(slab, next);
    next += padded(text.length);
  }
  const fields = { ...member, name: place.name, target: longTarget ? '' : target, size: Math.min(size, MAX_SIZE) };
  return writeBlock(slab, next, fields, place.prefix, TYPE_FLAGS[member.type]);
}

function writeBlock(slab: Buffer, at: number, member: Member, prefix: string, flag: string): number {
  slab.fill(0, at, at + BLOCK);
  slab.write(member.name, at, MAX_NAME, 'utf8');
  slab.write(member.executable || flag === '5' ? '0000755' : '0000644', at + 100, 'latin1');
  slab.write('0000000\x000000000', at + 108, 'latin1');
  slab.write(octal(flag === '0' || flag === 'x' ? member.size : 0, 11), at + 124, 'latin1');
  slab.write(octal(tarSeconds(member.mtimeMs), 11), at + 136, 'latin1');
  slab.write('        ', at + 148, 'latin1');
  slab.write(flag, at + 156, 'latin1');
  if (member.target) slab.write(member.target, at + 157, MAX_NAME, 'utf8');
  slab.write('ustar\x0000', at + 257, 'latin1');
  if (prefix) slab.write(prefix, at + 345, MAX_PREFIX, 'utf8');
  let sum = 0;
  for (let index = at; index < at + BLOCK; index += 1) sum += slab[index] as number;
  slab.write(`${octal(sum, 6)}\0 `, at + 148, 'latin1');
  return at + BLOCK;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** Splits a name into ustar's two fields; undefined if it doesn't fit. */
function splitName(name: string): { name: string; prefix: string } | undefined {
  const bytes = Buffer.from(name);
  if (bytes.length <= MAX_NAME) return { name, prefix: '' };
  const slash = bytes.indexOf(0x2f, Math.max(bytes.length - MAX_NAME - 1, 0));
  if (slash <= 0 || slash > MAX_PREFIX || slash === bytes.length - 1) return undefined;
  return { name: bytes.toString('utf8', slash + 1), prefix: bytes.toString('utf8', 0, slash) };
}

/** Returns `LENGTH KEY=VALUE\n`, where the length includes itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length !== length) length = bytes + String(length).length;
  return `${length}${rest}`;
}
