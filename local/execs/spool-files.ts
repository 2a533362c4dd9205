/** The part of a stream that is on the disk: a row of files, so that the oldest part can be removed. */
import { type FileHandle, open, rm } from 'node:fs/promises';

/** The size of a file. */
const FILE_BYTES = 16 * 1024 * 1024;

export class SpoolFiles {
  readonly #path: string;
  /** The numbers of the first file, and of the one after the last. */
  #first = 0;
  #next = 0;
  /** The last file, while the stream is being written. */
  #writing: FileHandle | undefined;
  #removing: Promise<unknown> = Promise.resolve();

  /** `path` is the beginning of the files' paths. They are created only if needed. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Writes bytes at an offset of the stream, which must be its end so far. Returns how many of them were written. */
  async write(bytes: Buffer, offset: number): Promise<number> {
    const number = Math.floor(offset / FILE_BYTES);
    if (number >= this.#next) {
      await this.finish();
      this.#writing = await open(this.#fileOf(number), 'w', 0o600);
      this.#next = number + 1;
    }
    const position = offset % FILE_BYTES;
    const part = bytes.subarray(0, FILE_BYTES - position);
    const { bytesWritten } = (await this.#writing?.write(part, { position })) ?? { bytesWritten: 0 };
    return bytesWritten;
  }

  /** Notes that nothing more will be written. */
  async finish(): Promise<void> {
    await this.#writing?.close();
    this.#writing = undefined;
  }

  /** Reads bytes from an offset: at least one, unless the offset is outside of what is there. */
  async read(offset: number, maxBytes: number): Promise<Buffer> {
    const number = Math.floor(offset / FILE_BYTES);
    if (number < this.#first || number >= this.#next) return Buffer.alloc(0);
    const file = await open(this.#fileOf(number), 'r').catch((error) => {
      if (number >= this.#first) throw error;
    });
    if (!file) return Buffer.alloc(0);
    try {
      const position = offset % FILE_BYTES;
      const length = Math.min(maxBytes, FILE_BYTES - position);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  /** Removes the files whose bytes are all before an offset. Returns the offset of the first byte that is left. */
  dropBefore(offset: number): number {
    for (; this.#first < Math.min(Math.floor(offset / FILE_BYTES), this.#next - 1); this.#first++) {
      this.#remove(this.#first);
    }
    return this.#first * FILE_BYTES;
  }

  async dispose(): Promise<void> {
    await this.finish();
    for (; this.#first < this.#next; this.#first++) this.#remove(this.#first);
    await this.#removing;
  }

  #remove(number: number): void {
    this.#removing = Promise.all([this.#removing, rm(this.#fileOf(number), { force: true }).catch(() => {})]);
  }

  #fileOf(number: number): string {
    return `${this.#path}.${number}`;
  }
}
