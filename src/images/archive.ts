import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Source } from '../sync/exec.ts';
import type { CopiedEntry } from './recipe.ts';

/** Entries as a tar archive. Made anew each time it is read, the same bytes as long as the files are the same. */
export function archiveOf(entries: readonly CopiedEntry[]): Source {
  return {
    async *readFrom(offset) {
      const archive = pack();
      const packing = fill(archive, entries).catch((error: Error) => void archive.destroy(error));
      let at = 0;
      for await (const bytes of archive as AsyncIterable<Buffer>) {
        if (at + bytes.length > offset) yield bytes.subarray(Math.max(0, offset - at));
        at += bytes.length;
      }
      await packing;
    },
  };
}

async function fill(archive: ReturnType<typeof pack>, entries: readonly CopiedEntry[]): Promise<void> {
  const types = { file: 'file', folder: 'directory', link: 'symlink' } as const;
  for (const { name, kind, executable, size, mtimeMs, target, source } of entries) {
    const mode = executable || kind === 'folder' ? 0o755 : 0o644;
    const link = target === undefined ? {} : { linkname: target };
    const header = { name, type: types[kind], mode, size, mtime: new Date(mtimeMs), uid: 0, gid: 0, ...link };
    if (kind !== 'file') archive.entry(header).end(null);
    else
      await pipeline(
        typeof source === 'string' ? createReadStream(source) : Readable.from([source]),
        archive.entry(header),
      );
  }
  archive.finalize();
}
