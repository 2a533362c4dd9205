/** The most that is kept of an output's start, and of its end. */
export const KEPT_BYTES = 4 * 1024 * 1024;

/** The start and the end of an output, which may be long. Keeps the chunks themselves, so they must not be changed. */
export class BoundedOutput {
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  #headRoom: number;
  #tailBytes = 0;
  readonly #keptBytes: number;
  /** The length of the whole output. */
  bytes = 0;

  constructor(keptBytes: number = KEPT_BYTES) {
    this.#keptBytes = keptBytes;
    this.#headRoom = keptBytes;
  }

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    const toHead = chunk.subarray(0, this.#headRoom);
    if (toHead.length > 0) this.#head.push(toHead);
    this.#headRoom -= toHead.length;
    const toTail = chunk.subarray(toHead.length);
    if (toTail.length === 0) return;
    this.#tail.push(toTail);
    this.#tailBytes += toTail.length;
    for (let first = this.#tail[0]; first && this.#tailBytes - first.length >= this.#keptBytes; first = this.#tail[0]) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
    }
  }

  /** Notes that a part of the output is missing here. */
  skip(bytes: number): void {
    this.bytes += bytes;
    this.#headRoom = 0;
    this.#tail.length = 0;
    this.#tailBytes = 0;
  }

  /** The start of the output, and its end if not all of it is part of the start. */
  read(): { readonly head: Buffer; readonly tail: Buffer } {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    const isWhole = head.length + tail.length === this.bytes;
    return isWhole
      ? { head: Buffer.concat([head, tail]), tail: Buffer.alloc(0) }
      : { head, tail: tail.subarray(-this.#keptBytes) };
  }
}
