import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { ModalClient } from 'modal';
import { UserError } from '../base/errors.ts';
import { isNotFound } from './errors.ts';
import {
  type Content,
  type RemoteEntry,
  RemoteFileError,
  type RemoteFileType,
  type WriteOptions,
} from './remote-files.ts';

/** A volume, as the account lists it. */
export interface VolumeSummary {
  readonly id: string;
  readonly name: string;
  /** The volume's file system: 1, or 2 with larger files and more of them. */
  readonly version: 1 | 2;
  readonly createdAt: Date;
}

/** Modal's limits for names. https://modal.com/docs/guide/volumes */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const PAGE = 100;
/** A page may end between volumes of one moment: the next one begins with all of that moment again. */
const MOMENT_SECS = 1e-6;
/** Files travel in blocks of this size, and the addresses to fetch them from come for so many at a time. */
const BLOCK_BYTES = 8 * 1024 * 1024;
const BLOCKS_AT_A_TIME = 64;
/** Blocks under way at once: so many are held in memory, whatever the file's size. */
const PARALLEL_BLOCKS = 4;
/** How long one block may take. */
const BLOCK_TIMEOUT_MS = 5 * 60_000;
/** The most that a file of version 1 can be sent as, inside the call. */
const INLINE_BYTES = 4 * 1024 * 1024;
/** `ObjectCreationType.CREATE_FAIL_IF_EXISTS` */
const CREATE_NEW = 2;
const ALREADY_EXISTS = 6;
const TYPES: Readonly<Record<number, RemoteFileType>> = { 1: 'file', 2: 'directory', 3: 'symlink' };

/** What is wrong with a name for a volume, if anything. */
export function volumeNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : 'A name has 1 to 64 letters, digits, “.”, “_” or “-”.';
}

/** Named volumes of the environment, by name. The SDK has no list of them, so the control plane is asked itself. */
export async function listVolumes(client: ModalClient): Promise<VolumeSummary[]> {
  const found = new Map<string, VolumeSummary>();
  let createdBefore = 0;
  for (;;) {
    const known = found.size;
    const { items } = await client.cpClient.volumeList({
      environmentName: client.environmentName(),
      pagination: { maxObjects: PAGE, createdBefore },
    });
    for (const { volumeId: id, label: name, createdAt, metadata } of items) {
      found.set(id, { id, name, version: metadata?.version === 2 ? 2 : 1, createdAt: new Date(createdAt * 1000) });
    }
    const last = items.at(-1);
    if (!last || items.length < PAGE || found.size === known) break;
    createdBefore = last.createdAt + MOMENT_SECS;
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/** Makes a volume of version 2. Throws `UserError` when there is one of this name. */
export async function createVolume(client: ModalClient, name: string): Promise<void> {
  const request = { deploymentName: name, environmentName: client.environmentName(), objectCreationType: CREATE_NEW };
  await nameTaken(name, client.cpClient.volumeGetOrCreate({ ...request, version: 2 }));
}

/** Throws `UserError` when there is one of the new name. */
export async function renameVolume(client: ModalClient, volumeId: string, name: string): Promise<void> {
  await nameTaken(name, client.cpClient.volumeRename({ volumeId, name }));
}

/** Deletes a volume with all in it, for good; one that is gone already is not an error. */
export async function deleteVolume(client: ModalClient, name: string): Promise<void> {
  await client.volumes.delete(name, { allowMissing: true });
}

async function nameTaken(name: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (codeOf(error) === ALREADY_EXISTS)
      throw new UserError(`There is a volume “${name}” already. Choose another name.`, { cause: error });
    throw error;
  }
}

/** A volume to read and write: its id and the version of its file system. */
export type VolumeRef = Pick<VolumeSummary, 'id' | 'version'>;

/** Finds a volume by name. Throws `RemoteFileError` when there is none. */
export async function findVolume(client: ModalClient, name: string): Promise<VolumeRef> {
  try {
    const request = { deploymentName: name, environmentName: client.environmentName(), objectCreationType: 0 };
    const { volumeId: id, metadata, version } = await client.cpClient.volumeGetOrCreate(request);
    return { id, version: (metadata?.version || version) === 2 ? 2 : 1 };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new RemoteFileError('gone', `There is no volume “${name}”: it was deleted or renamed.`, { cause: error });
  }
}

/** An entry of a listing with its path in the volume. */
export interface VolumeEntry extends RemoteEntry {
  readonly path: string;
}

/** What is in a folder, or the one file that the path names. */
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

/** A file's bytes in order, a few blocks ahead of whoever reads them. */
export async function* readVolumeFile(
  client: ModalClient,
  { id: volumeId }: VolumeRef,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let start = 0; ; ) {
    const asked = start;
    const { getUrls, size, len } = await mapped(path, () =>
      client.cpClient.volumeGetFile2({ volumeId, path, start: asked, len: BLOCKS_AT_A_TIME * BLOCK_BYTES }, { signal }),
    );
    let got = 0;
    for await (const block of inOrder(getUrls, (url) => fetchBlock(url, signal))) {
      got += block.length;
      yield block;
    }
    if (got !== len) throw new Error(`“${path}” changed while it was read: ${got} bytes came instead of ${len}`);
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
      // One that fails ahead of its turn is told of in its turn, or by nobody when the reader has left.
      block.catch(() => {});
      waiting.push(block);
    }
    yield await (waiting.shift() as Promise<Uint8Array>);
  }
}

async function fetchBlock(url: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const response = await fetch(url, { signal: withTimeout(signal) });
  if (!response.ok) throw new Error(`A block of the file could not be fetched (HTTP ${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

function withTimeout(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(BLOCK_TIMEOUT_MS);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** Makes or replaces a file. With `isNew`, throws `RemoteFileError` when there is one. */
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

/** Version 2: the hashes of all blocks, then those blocks that Modal lacks, then the hashes with the proofs of upload. */
const putBlocks: Put = async (client, { id: volumeId }, path, content, { signal, onSent, isNew = false } = {}) => {
  const blocks: { contentsSha256: Uint8Array; putResponse?: Uint8Array }[] = [];
  // What is read into again and again: a new one for each block waits in hundreds of MiB for the garbage collector.
  const room = () => Buffer.allocUnsafe(Math.min(BLOCK_BYTES, content.bytes));
  const hashed = room();
  for (let start = 0; start < content.bytes; start += BLOCK_BYTES) {
    signal?.throwIfAborted();
    blocks.push({ contentsSha256: sha256(await readBlock(content, start, hashed)) });
  }
  const file = { path: inVolume(path), size: content.bytes, blocks };
  const request = { volumeId, files: [file], disallowOverwriteExistingFiles: isNew };
  const { missingBlocks } = await client.cpClient.volumePutFiles2(request, { signal });
  const waiting = [...missingBlocks];
  onSent?.(content.bytes - Math.min(content.bytes, missingBlocks.length * BLOCK_BYTES));
  const worker = async () => {
    const sent = room();
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { blockIndex, putUrl } = next;
      const body = await readBlock(content, blockIndex * BLOCK_BYTES, sent);
      const response = await fetch(putUrl, { method: 'PUT', body: body as BodyInit, signal: withTimeout(signal) });
      if (!response.ok) throw new Error(`A block of the file could not be sent (HTTP ${response.status})`);
      const block = blocks[blockIndex];
      if (block) block.putResponse = new Uint8Array(await response.arrayBuffer());
      onSent?.(Math.min(BLOCK_BYTES, content.bytes - blockIndex * BLOCK_BYTES));
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_BLOCKS, waiting.length) }, worker));
  if (missingBlocks.length === 0) return;
  const again = await client.cpClient.volumePutFiles2(request, { signal });
  if (again.missingBlocks.length > 0) throw new Error(`“${path}” changed while it was sent`);
};

/** Version 1: the bytes inside the call. */
const putInline: Put = async (client, { id: volumeId }, path, content, { signal, onSent, isNew = false } = {}) => {
  if (content.bytes > INLINE_BYTES) {
    throw new UserError(
      `“${path}” is larger than 4 MiB, which volumes of version 1 take from Modal’s own tools only. Use “modal volume put”, or a volume of version 2.`,
    );
  }
  const data = await content.read(0, content.bytes);
  const sha256Hex = Buffer.from(sha256(data)).toString('hex');
  const { exists } = await client.cpClient.mountPutFile({ sha256Hex }, { signal });
  if (!exists) await client.cpClient.mountPutFile({ sha256Hex, data }, { signal });
  const files = [{ filename: inVolume(path), sha256Hex, mode: 0o644 }];
  await client.cpClient.volumePutFiles({ volumeId, files, disallowOverwriteExistingFiles: isNew }, { signal });
  onSent?.(content.bytes);
};

/** A block as it is hashed and sent: without the zero bytes at its end. */
async function readBlock(content: Content, start: number, into: Uint8Array): Promise<Uint8Array> {
  const block = await content.read(start, Math.min(BLOCK_BYTES, content.bytes - start), into);
  let end = block.length;
  while (end > 0 && block[end - 1] === 0) end -= 1;
  return block.subarray(0, end);
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Paths in calls are relative to the volume. */
const inVolume = (path: string) => path.slice(1);

/** Removes a file, or a folder with all in it. */
export async function removeVolumeFile(
  client: ModalClient,
  { id: volumeId, version }: VolumeRef,
  path: string,
): Promise<void> {
  const request = { volumeId, path: inVolume(path), recursive: true };
  const { cpClient } = client;
  await mapped(path, () => (version === 2 ? cpClient.volumeRemoveFile2(request) : cpClient.volumeRemoveFile(request)));
}

/** Copies a file, or a folder with all in it, to a path that is not there yet or is a file to replace. */
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

/** What calls about files throw, in the words of files. */
async function mapped<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const code = codeOf(error);
    const text = String((error as { details?: unknown }).details ?? '');
    if (isNotFound(error)) throw new RemoteFileError('notFound', `“${path}” is not there.`, { cause: error });
    if (code === ALREADY_EXISTS) throw new RemoteFileError('exists', `“${path}” is there already.`, { cause: error });
    if (/is a directory/i.test(text))
      throw new RemoteFileError('isDirectory', `“${path}” is a folder.`, { cause: error });
    throw error;
  }
}
