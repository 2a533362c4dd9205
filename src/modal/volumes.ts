import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { ModalClient } from 'modal';
import { eachLimited } from '../base/each-limited.ts';
import { UserError } from '../base/errors.ts';
import { isNotFound } from './errors.ts';
import {
  type Content,
  type RemoteEntry,
  RemoteFileError,
  type RemoteFileType,
  type WriteOptions,
} from './remote-files.ts';
import { strings } from './strings.ts';

/** A volume, as the account lists it. */
export interface VolumeSummary {
  readonly id: string;
  readonly name: string;
  /** The version of the volume's file system. Version 2 allows more and larger files. */
  readonly version: 1 | 2;
  readonly createdAt: Date;
}

/** Modal's limits for names. https://modal.com/docs/guide/volumes */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const PAGE_SIZE = 100;
/** A page may end between volumes with the same timestamp, so the next one starts with that timestamp again. */
const TIMESTAMP_STEP_SECS = 1e-6;
/** Files are transferred in blocks of this size. */
const BLOCK_BYTES = 8 * 1024 * 1024;
/** Download URLs are requested for this many blocks at a time. */
const BLOCKS_PER_REQUEST = 64;
/** The number of blocks in transit, and in memory, at a time. */
const PARALLEL_BLOCKS = 4;
const BLOCK_TIMEOUT_MS = 5 * 60_000;
/** Files in version 1 volumes are sent inside the call, up to this size. */
const MAX_INLINE_BYTES = 4 * 1024 * 1024;
/** `ObjectCreationType.CREATE_FAIL_IF_EXISTS` */
const CREATE_NEW = 2;
const ALREADY_EXISTS = 6;
const TYPES: Readonly<Record<number, RemoteFileType>> = { 1: 'file', 2: 'directory', 3: 'symlink' };

/** Returns what is wrong with a volume name, if anything. */
export function volumeNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : strings.invalidVolumeName();
}

/** Lists the named volumes of the environment, by name. Calls the control plane directly, since the SDK has no list. */
export async function listVolumes(client: ModalClient): Promise<VolumeSummary[]> {
  const found = new Map<string, VolumeSummary>();
  let createdBefore = 0;
  for (;;) {
    const known = found.size;
    const { items } = await client.cpClient.volumeList({
      environmentName: client.environmentName(),
      pagination: { maxObjects: PAGE_SIZE, createdBefore },
    });
    for (const { volumeId: id, label: name, createdAt, metadata } of items) {
      found.set(id, { id, name, version: metadata?.version === 2 ? 2 : 1, createdAt: new Date(createdAt * 1000) });
    }
    const last = items.at(-1);
    if (!last || items.length < PAGE_SIZE || found.size === known) break;
    createdBefore = last.createdAt + TIMESTAMP_STEP_SECS;
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/** Creates a version 2 volume. Throws `UserError` if the name is taken. */
export async function createVolume(client: ModalClient, name: string): Promise<void> {
  const request = { deploymentName: name, environmentName: client.environmentName(), objectCreationType: CREATE_NEW };
  await orNameTaken(name, client.cpClient.volumeGetOrCreate({ ...request, version: 2 }));
}

/** Renames a volume. Throws `UserError` if the name is taken. */
export async function renameVolume(client: ModalClient, volumeId: string, name: string): Promise<void> {
  await orNameTaken(name, client.cpClient.volumeRename({ volumeId, name }));
}

/** Permanently deletes a volume and its contents. It's not an error if it no longer exists. */
export async function deleteVolume(client: ModalClient, name: string): Promise<void> {
  await client.volumes.delete(name, { allowMissing: true });
}

async function orNameTaken(name: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (codeOf(error) === ALREADY_EXISTS) throw new UserError(strings.volumeExists(name), { cause: error });
    throw error;
  }
}

/** Identifies a volume in calls that read or write it. */
export type VolumeRef = Pick<VolumeSummary, 'id' | 'version'>;

/** Finds a volume by name. Throws `RemoteFileError` if it doesn't exist. */
export async function findVolume(client: ModalClient, name: string): Promise<VolumeRef> {
  try {
    const request = { deploymentName: name, environmentName: client.environmentName(), objectCreationType: 0 };
    const { volumeId: id, metadata, version } = await client.cpClient.volumeGetOrCreate(request);
    return { id, version: (metadata?.version || version) === 2 ? 2 : 1 };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new RemoteFileError('gone', strings.volumeGone(name), { cause: error });
  }
}

/** An entry with its path in the volume. */
export interface VolumeEntry extends RemoteEntry {
  readonly path: string;
}

/** Lists the contents of a folder, or the file at the path. */
export async function listVolumeFiles(
  client: ModalClient,
  { id, version }: VolumeRef,
  path: string,
  { recursive = false, maxEntries }: { recursive?: boolean; maxEntries?: number } = {},
): Promise<VolumeEntry[]> {
  const request = { volumeId: id, path, recursive, maxEntries };
  const { cpClient } = client;
  const found: VolumeEntry[] = [];
  return mapped(path, async () => {
    for await (const { entries } of version === 2
      ? cpClient.volumeListFiles2(request)
      : cpClient.volumeListFiles(request)) {
      for (const { path: asListed, type, size, mtime } of entries) {
        const full = posix.resolve('/', asListed);
        const kind = TYPES[type] ?? 'other';
        found.push({ path: full, name: posix.basename(full), type: kind, bytes: size, modifiedMs: mtime * 1000 });
      }
    }
    return found;
  });
}

/** Reads a file in order, a few blocks ahead of the reader. */
export async function* readVolumeFile(
  client: ModalClient,
  { id: volumeId }: VolumeRef,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; ; ) {
    const from = start;
    const { getUrls, size, len } = await mapped(path, () =>
      client.cpClient.volumeGetFile2(
        { volumeId, path, start: from, len: BLOCKS_PER_REQUEST * BLOCK_BYTES },
        { signal },
      ),
    );
    let readBytes = 0;
    for await (const block of inOrder(getUrls, (url) => fetchBlock(url, signal))) {
      readBytes += block.length;
      yield block;
    }
    if (readBytes !== len) throw new RemoteFileError('unavailable', strings.fileChangedWhileRead(path, readBytes, len));
    start += len;
    if (start >= size || len === 0) return;
  }
}

async function* inOrder(
  urls: readonly string[],
  get: (url: string) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const waiting: Promise<Uint8Array>[] = [];
  for (let next = 0; next < urls.length || waiting.length > 0; ) {
    while (next < urls.length && waiting.length < PARALLEL_BLOCKS) {
      const block = get(urls[next++] as string);
      // A block that fails early is reported in its turn, or not at all if the reader has stopped.
      block.catch(() => {});
      waiting.push(block);
    }
    yield await (waiting.shift() as Promise<Uint8Array>);
  }
}

async function fetchBlock(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetchTwice(url, {}, signal);
  if (!response.ok) throw new Error(strings.blockNotDownloaded(response.status));
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Requests a block, and repeats the request once if the connection breaks: the server may close a kept-alive connection in
 * the moment in which it is used again.
 */
async function fetchTwice(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  const request = () => fetch(url, { ...init, signal: withTimeout(signal) });
  return request().catch((error: unknown) => {
    // `fetch` reports a broken connection as a TypeError, and a timeout or an abort as a DOMException.
    if (error instanceof TypeError) return request();
    throw error;
  });
}

function withTimeout(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(BLOCK_TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** Creates or replaces a file. With `isNew`, throws `RemoteFileError` if it exists. */
export async function writeVolumeFile(
  client: ModalClient,
  volume: VolumeRef,
  path: string,
  content: Content,
  options: WriteOptions & { readonly isNew?: boolean } = {},
): Promise<void> {
  await mapped(path, () => (volume.version === 2 ? putBlocks : putInline)(client, volume, path, content, options));
}

type Put = typeof writeVolumeFile;

/**
 * Version 2: sends the hashes of all blocks, the blocks that Modal lacks, and then the hashes with proofs of upload.
 */
const putBlocks: Put = async (client, { id: volumeId }, path, content, { signal, onSent, isNew = false } = {}) => {
  const blocks: { contentsSha256: Uint8Array; putResponse?: Uint8Array }[] = [];
  // Buffers are reused: one for each block would pile up hundreds of MiB for the garbage collector.
  const allocate = () => Buffer.allocUnsafe(Math.min(BLOCK_BYTES, content.bytes));
  const hashed = allocate();
  for (let start = 0; start < content.bytes; start += BLOCK_BYTES) {
    signal?.throwIfAborted();
    blocks.push({ contentsSha256: sha256(await readBlock(content, start, hashed)) });
  }
  const file = { path: inVolume(path), size: content.bytes, blocks };
  const request = { volumeId, files: [file], disallowOverwriteExistingFiles: isNew };
  const { missingBlocks } = await client.cpClient.volumePutFiles2(request, { signal });
  onSent?.(content.bytes - Math.min(content.bytes, missingBlocks.length * BLOCK_BYTES));
  const buffers: Buffer[] = [];
  await eachLimited(missingBlocks, PARALLEL_BLOCKS, async ({ blockIndex, putUrl }) => {
    const buffer = buffers.pop() ?? allocate();
    const body = await readBlock(content, blockIndex * BLOCK_BYTES, buffer);
    const response = await fetchTwice(putUrl, { method: 'PUT', body: body as BodyInit }, signal);
    if (!response.ok) throw new Error(strings.blockNotUploaded(response.status));
    const block = blocks[blockIndex];
    if (block) block.putResponse = new Uint8Array(await response.arrayBuffer());
    buffers.push(buffer);
    onSent?.(Math.min(BLOCK_BYTES, content.bytes - blockIndex * BLOCK_BYTES));
  });
  if (missingBlocks.length === 0) return;
  const again = await client.cpClient.volumePutFiles2(request, { signal });
  if (again.missingBlocks.length > 0) throw new RemoteFileError('unavailable', strings.fileChangedWhileSent(path));
};

/** Version 1: sends the bytes inside the call. */
const putInline: Put = async (client, { id: volumeId }, path, content, { signal, onSent, isNew = false } = {}) => {
  if (content.bytes > MAX_INLINE_BYTES) {
    throw new UserError(strings.tooLargeForVersion1(path));
  }
  const data = await content.read(0, content.bytes);
  const sha256Hex = Buffer.from(sha256(data)).toString('hex');
  const { exists } = await client.cpClient.mountPutFile({ sha256Hex }, { signal });
  if (!exists) await client.cpClient.mountPutFile({ sha256Hex, data }, { signal });
  const files = [{ filename: inVolume(path), sha256Hex, mode: 0o644 }];
  await client.cpClient.volumePutFiles({ volumeId, files, disallowOverwriteExistingFiles: isNew }, { signal });
  onSent?.(content.bytes);
};

/** Reads a block in the form in which it's hashed and sent: without trailing zeros. */
async function readBlock(content: Content, start: number, into: Uint8Array): Promise<Uint8Array> {
  const block = await content.read(start, Math.min(BLOCK_BYTES, content.bytes - start), into);
  let end = block.length;
  while (end > 0 && block[end - 1] === 0) end -= 1;
  return block.subarray(0, end);
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Paths in calls are relative to the volume. */
const inVolume = (path: string) => path.slice(1);

/** Removes a file, or a folder and its contents. */
export async function removeVolumeFile(
  client: ModalClient,
  { id: volumeId, version }: VolumeRef,
  path: string,
): Promise<void> {
  const request = { volumeId, path: inVolume(path), recursive: true };
  const { cpClient } = client;
  await mapped(path, () => (version === 2 ? cpClient.volumeRemoveFile2(request) : cpClient.volumeRemoveFile(request)));
}

/** Copies a file, or a folder and its contents, to a path that doesn't exist yet or is a file to replace. */
export async function copyVolumeFile(
  client: ModalClient,
  { id: volumeId, version }: VolumeRef,
  from: string,
  to: string,
): Promise<void> {
  const request = { volumeId, srcPaths: [inVolume(from)], dstPath: inVolume(to), recursive: true };
  const { cpClient } = client;
  await mapped(from, () => (version === 2 ? cpClient.volumeCopyFiles2(request) : cpClient.volumeCopyFiles(request)));
}

const codeOf = (error: unknown) => (error as { code?: unknown } | undefined)?.code;

/** Translates the control plane's errors into file errors. */
async function mapped<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RemoteFileError) throw error;
    const code = codeOf(error);
    const text = String((error as { details?: unknown }).details ?? '');
    if (isNotFound(error)) throw new RemoteFileError('notFound', strings.fileNotFound(path), { cause: error });
    if (code === ALREADY_EXISTS) throw new RemoteFileError('exists', strings.fileExists(path), { cause: error });
    if (/is a directory/i.test(text))
      throw new RemoteFileError('isDirectory', strings.isFolder(path), { cause: error });
    throw error;
  }
}
