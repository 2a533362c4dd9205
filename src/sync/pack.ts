import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { pack as createPack, type Header, type Pack } from 'tar-stream';
import type { Entry } from './scan.ts';

/** What tar-stream takes as a header. */
type TarHeader = Partial<Header> & Pick<Header, 'name'>;

const EMPTY = new Uint8Array();
/** Each chunk is one call to Modal, so they are large. */
const CHUNK_BYTES = 1024 * 1024;
/** Files up to this size are read at once, so that the header's size is what was read. */
const WHOLE_FILE_BYTES = 1024 * 1024;

export interface PackOptions {
  readonly signal?: AbortSignal;
  /** Called for each file with its bytes, as it is packed. */
  onFile?(path: string, bytes: number): void;
  /** Called for a file that vanished or cannot be read. */
  onSkip?(path: string, reason: string): void;
}

/** The entries as a tar stream, in chunks of one MiB. */
export async function* pack(
  root: string,
  entries: Iterable<Entry>,
  options: PackOptions = {},
): AsyncGenerator<Uint8Array> {
  const tar = createPack();
  const filled = fill(tar, root, entries, options).catch((error) => tar.destroy(error));
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of tar as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  await filled;
  if (bytes > 0) yield Buffer.concat(parts);
}

async function fill(tar: Pack, root: string, entries: Iterable<Entry>, options: PackOptions): Promise<void> {
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    if (entry.kind === 'file') await addFile(tar, root, entry, options);
    else await addEntry(tar, headerOf(entry, 0));
  }
  tar.finalize();
}

async function addFile(tar: Pack, root: string, entry: Entry, { onFile, onSkip }: PackOptions): Promise<void> {
  let fd: number;
  try {
    fd = openSync(`${root}/${entry.path}`, 'r');
  } catch (error) {
    onSkip?.(entry.path, (error as NodeJS.ErrnoException).code ?? String(error));
    return;
  }
  try {
    const { size } = fstatSync(fd);
    if (size <= WHOLE_FILE_BYTES) {
      const content = readFileSync(fd);
      await addEntry(tar, headerOf(entry, content.length), content);
      onFile?.(entry.path, content.length);
    } else {
      await streamFile(tar, fd, headerOf(entry, size), size);
      onFile?.(entry.path, size);
    }
  } finally {
    closeSync(fd);
  }
}

/** A large file: cut at the size in the header when it grew meanwhile, filled with zeros when it shrank. */
async function streamFile(tar: Pack, fd: number, header: TarHeader, size: number): Promise<void> {
  let done: (error?: Error | null) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => {
    done = (error) => (error ? reject(error) : resolve());
  });
  const sink = tar.entry(header, done);
  for (let offset = 0; offset < size; ) {
    const slab = Buffer.alloc(Math.min(CHUNK_BYTES, size - offset));
    readSync(fd, slab, 0, slab.length, offset);
    offset += slab.length;
    if (!sink.write(slab)) await once(sink, 'drain');
  }
  sink.end(null);
  await finished;
}

function addEntry(tar: Pack, header: TarHeader, content: Uint8Array = EMPTY): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => (error ? reject(error) : resolve()));
  });
}

function headerOf(entry: Entry, size: number): TarHeader {
  const type = entry.kind === 'folder' ? 'directory' : entry.kind === 'link' ? 'symlink' : 'file';
  // tar-stream keeps times in 32 bits.
  const seconds = Math.min(Math.max(Math.floor(entry.mtimeMs / 1000), 0), 0x7fffffff);
  return {
    name: entry.path,
    type,
    mode: entry.mode,
    size,
    mtime: new Date(seconds * 1000),
    uid: 0,
    gid: 0,
    ...(entry.target !== undefined && { linkname: entry.target }),
  };
}
