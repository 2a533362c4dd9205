import { randomBytes } from 'node:crypto';
import { formatBytes, stripEscapes } from '../base/text.ts';
import type { Redaction } from '../run/records/redaction.ts';

/** The most that the text of a result may have, in bytes of UTF-8: clients cut longer ones, or move them to a file. */
export const MAX_RESULT_BYTES = 8192;
/** What of that is for the words around the data. */
const FRAME_BYTES = 2048;
/** The part of a long output that is shown from its start; the rest of the room is for its end, which says more. */
const HEAD_SHARE = 0.3;
/** The most that one page may have. */
export const PAGE_BYTES = MAX_RESULT_BYTES - FRAME_BYTES;

/** A part of an output. Offsets are in bytes of the whole output. */
export interface Page {
  readonly text: string;
  /** Where the next page starts. */
  readonly end: number;
  readonly totalBytes: number;
}

/** An output of which the middle may be missing. */
export interface Kept {
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly totalBytes: number;
}

/** Removes secrets from an output. Offsets in it refer to the result. */
export function redacted(
  { head, tail }: { head: Buffer; tail: Buffer },
  totalBytes: number,
  redaction?: Redaction,
): Kept {
  const clean = (bytes: Buffer) => redaction?.bytes(bytes) ?? bytes;
  const kept = { head: clean(head), tail: clean(tail) };
  const removed = head.length + tail.length - kept.head.length - kept.tail.length;
  return { ...kept, totalBytes: totalBytes - removed };
}

/** Returns the output from an offset, as far as it fits into a page; undefined for a part that wasn't kept. */
export function pageOf({ head, tail, totalBytes }: Kept, offset: number): Page | undefined {
  const start = Math.min(offset, totalBytes);
  const tailStart = totalBytes - tail.length;
  if (start >= head.length && start < tailStart) return undefined;
  const part = start < head.length ? head.subarray(start) : tail.subarray(start - tailStart);
  const bytes = wholeCharacters(part.subarray(0, PAGE_BYTES));
  return { text: readable(bytes), end: start + bytes.length, totalBytes };
}

/** Returns the start and the end of an output, with a line that says how much is missing between them. */
export function headAndTail(kept: Kept, missing: (bytes: string, from: number) => string): string {
  const { head, tail, totalBytes } = kept;
  if (totalBytes <= PAGE_BYTES) return readable(Buffer.concat([head, tail]));
  const first = wholeCharacters(head.subarray(0, Math.floor(PAGE_BYTES * HEAD_SHARE)));
  const room = PAGE_BYTES - first.length;
  const end = tail.length >= room ? tail : Buffer.concat([head, tail]);
  const last = fromWholeCharacter(end.subarray(-room));
  const cut = totalBytes - first.length - last.length;
  return `${readable(first)}\n${missing(formatBytes(cut), first.length)}\n${readable(last)}`;
}

/** Cuts off a character of UTF-8 of which only the start is there. */
function wholeCharacters(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && start > 0 && isContinuation(bytes[start])) start -= 1;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start > 0 && start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}

function fromWholeCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** What a terminal would have overwritten, such as a progress bar's earlier states. */
const OVERWRITTEN = /[^\n\r]*\r(?=[^\n\r])/g;
const CONTROL = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

function readable(bytes: Buffer): string {
  return stripEscapes(bytes.toString()).replaceAll(OVERWRITTEN, '').replaceAll(CONTROL, '');
}

/** Puts text that others wrote between lines that it can't contain, so that it's recognized as data. */
export function asData(text: string): string {
  const name = `data-${randomBytes(4).toString('hex')}`;
  return `<${name}>\n${text}${text === '' || text.endsWith('\n') ? '' : '\n'}</${name}>`;
}

/** Shortens a result to what clients accept. Its end is kept, too. */
export function capped(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_RESULT_BYTES) return text;
  const half = MAX_RESULT_BYTES / 2 - 4;
  return `${wholeCharacters(bytes.subarray(0, half))}\n…\n${fromWholeCharacter(bytes.subarray(-half))}`;
}

/** Returns the first lines, as many as have room together. */
export function fitting(lines: readonly string[], maxBytes: number): readonly string[] {
  let left = maxBytes;
  const end = lines.findIndex((line) => {
    left -= Buffer.byteLength(line) + 1;
    return left < 0;
  });
  return end < 0 ? lines : lines.slice(0, end);
}
