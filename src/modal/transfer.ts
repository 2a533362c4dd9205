import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../base/errors.ts';
import type { Content, RemoteFiles } from './remote-files.ts';
import { strings } from './strings.ts';

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes transferred since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/** A local file and its counterpart in a volume or sandbox. */
export interface FilePair {
  readonly local: string;
  readonly remote: string;
  readonly bytes: number;
}

/** Files such as those in `/proc` are listed as empty. */
const MIN_READ_BYTES = 1024 * 1024;

/** Lists the files to download from a path, and where they go in `into`. Throws `UserError` for invalid local names. */
export async function filesToDownload(
  files: RemoteFiles,
  path: string,
  into: string,
  signal?: AbortSignal,
): Promise<FilePair[]> {
  signal?.throwIfAborted();
  const entry = await files.stat(path);
  if (entry.type !== 'directory') return [{ local: into, remote: path, bytes: entry.bytes }];
  const found: FilePair[] = [];
  for (const { name, type, bytes } of await files.list(path)) {
    if (/[/\\\0]/.test(name) || name === '..' || name === '.') throw new UserError(strings.invalidFileName(name, path));
    const below = posix.join(path, name);
    if (type === 'directory') found.push(...(await filesToDownload(files, below, join(into, name), signal)));
    else if (type === 'file') found.push({ local: join(into, name), remote: below, bytes });
  }
  return found;
}

/** Downloads a file under a temporary name and then renames it, so that a failed download leaves nothing behind. */
export async function download(
  files: RemoteFiles,
  { local, remote, bytes }: FilePair,
  options: TransferOptions,
): Promise<void> {
  const { signal, onBytes } = options;
  await mkdir(dirname(local), { recursive: true });
  const unfinished = join(dirname(local), `.modal-download-${randomUUID()}`);
  try {
    await pipeline(
      files.read(remote, { signal, maxBytes: Math.max(bytes, MIN_READ_BYTES) }),
      async function* (parts) {
        for await (const part of parts) {
          yield part;
          onBytes((part as Uint8Array).length);
        }
      },
      createWriteStream(unfinished),
      { signal },
    );
    await rename(unfinished, local);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Lists the local files to upload from a path, and where they go in `into`. Links aren't followed. */
export async function filesToUpload(local: string, into: string, signal?: AbortSignal): Promise<FilePair[]> {
  signal?.throwIfAborted();
  const found = await stat(local);
  if (!found.isDirectory()) return [{ local, remote: into, bytes: found.size }];
  const pairs: FilePair[] = [];
  for (const entry of await readdir(local, { withFileTypes: true })) {
    const below = join(local, entry.name);
    const remote = posix.join(into, entry.name);
    if (entry.isDirectory()) pairs.push(...(await filesToUpload(below, remote, signal)));
    else if (entry.isFile()) pairs.push({ local: below, remote, bytes: (await stat(below)).size });
  }
  return pairs;
}

/** Uploads a file, a few blocks at a time. */
export async function upload(files: RemoteFiles, { local, remote }: FilePair, options: TransferOptions): Promise<void> {
  const { signal, onBytes } = options;
  const handle = await open(local);
  try {
    const content: Content = {
      bytes: (await handle.stat()).size,
      read: async (start, length, into = Buffer.allocUnsafe(length)) => {
        const { buffer, bytesRead } = await handle.read(into, 0, length, start);
        return buffer.subarray(0, bytesRead);
      },
    };
    signal.throwIfAborted();
    await files.write(remote, content, { signal, onSent: onBytes });
  } finally {
    await handle.close();
  }
}
