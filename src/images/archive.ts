import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { UserError } from '../base/errors.ts';
import type { Source } from '../modal/exec.ts';
import type { CopiedEntry } from './recipe.ts';
import { strings } from './strings.ts';

/** Entries as a tar archive. It is packed each time it is read, and yields the same bytes while the files are unchanged. */
export class Archive implements Source {
  readonly #entries: readonly CopiedEntry[];
  /** Why packing failed. */
  failure: Error | undefined;

  constructor(entries: readonly CopiedEntry[]) {
    this.#entries = entries;
  }

  async *readFrom(offset: number): AsyncGenerator<Uint8Array> {
    const archive = pack();
    const packing = fill(archive, this.#entries).catch((error: Error) => {
      this.failure = error;
      archive.destroy(error);
    });
    let at = 0;
    for await (const bytes of archive as AsyncIterable<Buffer>) {
      if (at + bytes.length > offset) yield bytes.subarray(Math.max(0, offset - at));
      at += bytes.length;
    }
    await packing;
  }
}

async function fill(archive: ReturnType<typeof pack>, entries: readonly CopiedEntry[]): Promise<void> {
  const types = { file: 'file', folder: 'directory', link: 'symlink' } as const;
  for (const entry of entries) {
    const { name, kind, executable, size, mtimeMs, target } = entry;
    const mode = executable || kind === 'folder' ? 0o755 : 0o644;
    const link = target === undefined ? {} : { linkname: target };
    const header = { name, type: types[kind], mode, size, mtime: new Date(mtimeMs), uid: 0, gid: 0, ...link };
    if (kind !== 'file') archive.entry(header).end(null);
    else await pipeline(contentOf(entry), archive.entry(header));
  }
  archive.finalize();
}

/** Reads an entry's content. Throws if it no longer matches its hash, because layers are found by it. */
async function* contentOf({ name, source, hash }: CopiedEntry): AsyncGenerator<Buffer> {
  const sum = createHash('sha256');
  const changed = (cause?: unknown) => new UserError(strings.fileChanged(name.replace(/^\w+\//, '')), { cause });
  try {
    for await (const piece of typeof source === 'string' ? createReadStream(source) : [source]) {
      sum.update(piece);
      yield piece;
    }
  } catch (error) {
    throw changed(error);
  }
  if (sum.digest('hex') !== hash) throw changed();
}
