import type { Header } from 'tar-stream';

const BLOCK_BYTES = 512;

/**
 * Recognizes entries after the end of an archive, which is two blocks of zeros that the parser skips. Keeps the bytes
 * between two entries until the parser has found the second one.
 */
export class TrailingEntries {
  #kept: Buffer = Buffer.alloc(0);
  /** The position of the first byte that is kept. */
  #start = 0;
  /** The position after the last entry; infinite once the archive has ended. */
  #next = 0;

  /** Takes a piece of the archive, before the parser does. */
  add(piece: Buffer): void {
    this.#kept = this.#kept.length === 0 ? piece : Buffer.concat([this.#kept, piece]);
    this.#drop();
  }

  /** Returns true if the archive has ended before an entry, whose content begins at `byteOffset`. */
  include({ byteOffset = 0, size = 0, type }: Header & { byteOffset?: number }): boolean {
    if (this.#next === Number.POSITIVE_INFINITY) return true;
    let zeros = 0;
    // Before an entry's own header, there may be others with its long name.
    for (let at = this.#next; at < byteOffset - BLOCK_BYTES; ) {
      const block = this.#kept.subarray(at - this.#start, at - this.#start + BLOCK_BYTES);
      const isZero = block.every((byte) => byte === 0);
      zeros = isZero ? zeros + 1 : 0;
      if (zeros === 2) {
        this.#next = Number.POSITIVE_INFINITY;
        this.#drop();
        return true;
      }
      at += BLOCK_BYTES + (isZero ? 0 : paddedSize(Number.parseInt(block.toString('latin1', 124, 136), 8) || 0));
    }
    this.#next = byteOffset + (type === 'directory' ? 0 : paddedSize(size));
    this.#drop();
    return false;
  }

  /** Returns true if the size in an entry's header is a number. The parser takes as much of it as it can read. */
  hasReadableSize({ byteOffset = 0 }: Header & { byteOffset?: number }): boolean {
    const at = byteOffset - BLOCK_BYTES - this.#start;
    const size = this.#kept.toString('latin1', at + 124, at + 136);
    return size.charCodeAt(0) >= 0x80 || /^[ \0]*[0-7]*[ \0]*$/.test(size);
  }

  #drop(): void {
    const done = Math.min(this.#next - this.#start, this.#kept.length);
    this.#kept = this.#kept.subarray(done);
    this.#start += done;
  }
}

function paddedSize(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
