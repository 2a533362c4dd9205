/** Uploaded blocks, by the SHA-256 of their content, until they become part of a file in a volume. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newFolderName } from '../state/ids.ts';

/** The time for which unused blocks are kept. */
const RETENTION_MS = 60 * 60_000;

export class Blobs {
  readonly #folder: string;

  constructor(dataFolder: string) {
    this.#folder = join(dataFolder, 'blobs');
    setInterval(() => void this.sweep(), RETENTION_MS).unref();
  }

  path(sha256Hex: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256Hex)) throw new Error(`Not a SHA-256 hash: ${sha256Hex}`);
    return join(this.#folder, sha256Hex);
  }

  /** Returns whether a block exists. If it does, it is kept for another hour. */
  async has(sha256Hex: string): Promise<boolean> {
    const now = new Date();
    return utimes(this.path(sha256Hex), now, now).then(
      () => true,
      () => false,
    );
  }

  /** Stores a block. Throws if it doesn't match its hash. */
  async put(sha256Hex: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const unfinished = join(this.#folder, `.${newFolderName()}`);
    const hash = createHash('sha256');
    try {
      await pipeline(
        Readable.from(bytes),
        async function* (source: AsyncIterable<Uint8Array>) {
          for await (const chunk of source) {
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(unfinished, { mode: 0o600 }),
      );
      if (hash.digest('hex') !== sha256Hex) throw new Error('The content does not match its SHA-256 hash');
      await rename(unfinished, this.path(sha256Hex));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const file = join(this.#folder, name);
      const found = await stat(file).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > RETENTION_MS) await rm(file, { force: true });
    }
  }
}
