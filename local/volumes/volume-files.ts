/** The control plane's RPCs for files in volumes, and their HTTP uploads (blocks) and downloads (pieces). */
import { closeSync, createReadStream, createWriteStream, type Stats } from 'node:fs';
import { chmod, copyFile, truncate } from 'node:fs/promises';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import { type HttpHandler, type HttpServer, reply } from '../http/http-server.ts';
import { runHelper } from '../isolation/helpers.ts';
import { Jail, type Place } from '../isolation/jail.ts';
import type { Auth } from '../state/auth.ts';
import type { Blobs } from './blobs.ts';
import { volumePath } from './volume-mounts.ts';
import type { VolumeStore } from './volume-store.ts';

/** The block size of the v2 RPCs. */
const BLOCK_BYTES = 8 * 1024 * 1024;
/** The number of entries in one message of a listing. */
const LIST_BATCH = 1000;
const FileType = { file: 1, directory: 2, symlink: 3, fifo: 4, socket: 5 } as const;
/** The maximum size of a file in the reply of the v1 RPC. */
const MAX_INLINE_BYTES = 16 * 1024 * 1024;

interface VolumeFilesDependencies {
  readonly volumes: VolumeStore;
  readonly blobs: Blobs;
  readonly auth: Auth;
  readonly http: HttpServer;
}

interface Entry {
  readonly path: string;
  readonly type: number;
  readonly size: number;
  readonly mtime: number;
}

export function volumeFilesService({ volumes, blobs, auth, http }: VolumeFilesDependencies) {
  http.route('/volume-block', blockUpload(auth, blobs));
  http.route('/volume-piece', pieceDownload(auth, volumes));

  const jailOf = (volumeId: string) => new Jail(volumes.currentFolder(volumeId));

  async function* list({ volumeId, path: requested, recursive, maxEntries }: Request<'volumeListFiles2'>) {
    let batch: Entry[] = [];
    let left = maxEntries || Number.POSITIVE_INFINITY;
    for (const entry of entries(jailOf(volumeId), volumePath(requested), recursive)) {
      batch.push(entry);
      left -= 1;
      if (left === 0) break;
      if (batch.length < LIST_BATCH) continue;
      yield { entries: batch };
      batch = [];
    }
    if (batch.length > 0) yield { entries: batch };
  }

  async function remove({ volumeId, path: requested, recursive }: Request<'volumeRemoveFile2'>) {
    const file = volumePath(requested);
    const stat = fileStat(jailOf(volumeId), file, false);
    if (file === '/') throw invalidArgument('Cannot remove the root directory of a volume');
    if (stat.isDirectory() && !recursive)
      throw invalidArgument(`${requested} is a directory. Set recursive to remove it`);
    await volumes.change(volumeId, async (folder) => new Jail(folder).remove(file, recursive));
    return {};
  }

  async function copy({ volumeId, srcPaths, dstPath, recursive }: Request<'volumeCopyFiles2'>) {
    const target = volumePath(dstPath);
    const sources = srcPaths.map(volumePath);
    await volumes.change(volumeId, async (folder) => {
      const jail = new Jail(folder);
      const intoFolder = dstPath.endsWith('/') || sources.length > 1 || isDirectory(jail, target);
      for (const source of sources) {
        if (fileStat(jail, source, true).isDirectory() && !recursive) {
          throw invalidArgument(`${source} is a directory. Set recursive to copy it`);
        }
        const to = intoFolder ? posix.join(target, posix.basename(source)) : target;
        jail.mkdirs(posix.dirname(to));
        await jail.atAsync(source, true, (from) => jail.atAsync(to, false, (place) => copyTree(from, place)));
      }
    });
    return {};
  }

  async function getFile({ volumeId, path: requested, start, len }: Request<'volumeGetFile2'>) {
    const file = volumePath(requested);
    const stat = fileStat(jailOf(volumeId), file, true);
    if (stat.isDirectory()) throw invalidArgument(`${requested} is a directory`);
    const end = len > 0 ? Math.min(stat.size, start + len) : stat.size;
    return { file, size: stat.size, start, len: Math.max(0, end - start) };
  }

  return {
    volumeListFiles: list,
    volumeListFiles2: list,
    volumeRemoveFile: remove,
    volumeRemoveFile2: remove,
    volumeCopyFiles: copy,
    volumeCopyFiles2: copy,
    async volumeGetFile2(request) {
      const { file, size, start, len } = await getFile(request);
      const getUrls: string[] = [];
      for (let at = start; at < start + len; ) {
        const end = Math.min(start + len, (Math.floor(at / BLOCK_BYTES) + 1) * BLOCK_BYTES);
        const claims = { volume: request.volumeId, file, start: String(at), end: String(end) };
        getUrls.push(http.url(`/volume-piece/${auth.sign(claims)}`));
        at = end;
      }
      return { getUrls, size, start, len };
    },
    async volumeGetFile(request) {
      const { file, size, start, len } = await getFile({ ...request, clientPadsBlocks: false });
      if (len > MAX_INLINE_BYTES) throw failedPrecondition('File is too large for this RPC. Use VolumeGetFile2');
      const pieces: Buffer[] = [];
      if (len > 0) {
        const fd = jailOf(request.volumeId).open(file);
        for await (const chunk of createReadStream('', { fd, start, end: start + len - 1 })) pieces.push(chunk);
      }
      return { data: Buffer.concat(pieces), size, start, len };
    },
    async volumePutFiles2({ volumeId, files, disallowOverwriteExistingFiles }) {
      volumes.record(volumeId);
      const missingBlocks = [];
      for (const [fileIndex, { blocks }] of files.entries()) {
        for (const [blockIndex, { contentsSha256 }] of blocks.entries()) {
          const sha = Buffer.from(contentsSha256).toString('hex');
          if (await blobs.has(sha)) continue;
          missingBlocks.push({ fileIndex, blockIndex, putUrl: http.url(`/volume-block/${auth.sign({ put: sha })}`) });
        }
      }
      if (missingBlocks.length > 0) return { missingBlocks };
      await volumes.change(volumeId, async (folder) => {
        const jail = new Jail(folder);
        if (disallowOverwriteExistingFiles) for (const file of files) assertAbsent(jail, file.path);
        for (const file of files) {
          const pieces = file.blocks.map(({ contentsSha256 }) =>
            blobs.path(Buffer.from(contentsSha256).toString('hex')),
          );
          await writeFile(volumes, jail, volumePath(file.path), (to) => assemble(to, pieces, file.size), file.mode);
        }
      });
      return { missingBlocks };
    },
    async mountPutFile({ sha256Hex, data, dataBlobId }) {
      if (dataBlobId) throw failedPrecondition('Blob uploads are not supported by Local Modal. Use VolumePutFiles2');
      if (data) await blobs.put(sha256Hex, [data]);
      return { exists: await blobs.has(sha256Hex), checkedAt: new Date() };
    },
    async volumePutFiles({ volumeId, files, disallowOverwriteExistingFiles }) {
      for (const { sha256Hex, filename } of files) {
        if (!(await blobs.has(sha256Hex))) throw failedPrecondition(`The content of ${filename} has not been uploaded`);
      }
      await volumes.change(volumeId, async (folder) => {
        const jail = new Jail(folder);
        if (disallowOverwriteExistingFiles) for (const file of files) assertAbsent(jail, file.filename);
        for (const { filename, sha256Hex, mode } of files) {
          await writeFile(volumes, jail, volumePath(filename), (to) => copyFile(blobs.path(sha256Hex), to), mode);
        }
      });
      return {};
    },
  } satisfies Partial<ControlPlane>;
}

function* entries(jail: Jail, file: string, recursive: boolean): Generator<Entry> {
  const stat = fileStat(jail, file, true);
  if (!stat.isDirectory()) yield entryOf(jail, file);
  else for (const name of jail.list(file)) yield* below(jail, posix.join(file, name), recursive);
}

function* below(jail: Jail, file: string, recursive: boolean): Generator<Entry> {
  const entry = entryOf(jail, file);
  yield entry;
  if (!recursive || entry.type !== FileType.directory) return;
  for (const name of jail.list(file)) yield* below(jail, posix.join(file, name), true);
}

function entryOf(jail: Jail, file: string): Entry {
  const stat = jail.lstat(file);
  return { path: file.slice(1), type: typeOf(stat), size: stat.size, mtime: Math.floor(stat.mtimeMs / 1000) };
}

function typeOf(stat: Stats): number {
  if (stat.isDirectory()) return FileType.directory;
  if (stat.isSymbolicLink()) return FileType.symlink;
  if (stat.isFIFO()) return FileType.fifo;
  return stat.isSocket() ? FileType.socket : FileType.file;
}

/** Returns the stats of a file in a volume. Throws NOT_FOUND. */
function fileStat(jail: Jail, file: string, follow: boolean): Stats {
  try {
    return follow ? jail.stat(file) : jail.lstat(file);
  } catch {
    throw notFound(`No such file or directory in the volume: ${file}`);
  }
}

function isDirectory(jail: Jail, file: string): boolean {
  try {
    return jail.stat(file).isDirectory();
  } catch {
    return false;
  }
}

/** Throws ALREADY_EXISTS if a file exists. */
function assertAbsent(jail: Jail, requested: string): void {
  let exists = true;
  try {
    jail.lstat(volumePath(requested));
  } catch {
    exists = false;
  }
  if (exists) throw alreadyExists(`${requested} already exists in the volume`);
}

/** Writes a file to a volume, and creates its parent folders. */
async function writeFile(
  volumes: VolumeStore,
  jail: Jail,
  file: string,
  fill: (to: string) => Promise<void>,
  mode = 0o644,
): Promise<void> {
  if (isDirectory(jail, file)) throw invalidArgument(`${file} is a directory`);
  try {
    jail.mkdirs(posix.dirname(file));
  } catch {
    throw invalidArgument(`Cannot create the parent directory of ${file}`);
  }
  await jail.atAsync(file, true, (place) =>
    volumes.put(place, async (to) => {
      await fill(to);
      await chmod(to, mode & 0o7777);
    }),
  );
}

/** Joins blocks to a file. Each block was uploaded without its trailing zero bytes. */
async function assemble(to: string, pieces: readonly string[], size: number): Promise<void> {
  await pipeline(async function* () {}, createWriteStream(to, { mode: 0o600 }));
  for (const [index, piece] of pieces.entries()) {
    await pipeline(createReadStream(piece), createWriteStream(to, { flags: 'r+', start: index * BLOCK_BYTES }));
  }
  await truncate(to, size);
}

/** Copies a file, or a directory and its contents. */
async function copyTree(from: Place, to: Place): Promise<void> {
  const pathOf = (place: Place) => place.path.replace('/proc/self/', `/proc/${process.pid}/`);
  await runHelper('cp', ['--archive', '--reflink=auto', '--no-target-directory', '--', pathOf(from), pathOf(to)]);
}

function blockUpload(auth: Auth, blobs: Blobs): HttpHandler {
  return async (request, response, token) => {
    const sha = auth.claims(token)?.put;
    if (request.method !== 'PUT' || typeof sha !== 'string') return reply(response, 403, 'Invalid upload URL.\n');
    await blobs.put(sha, request);
    // Clients return the reply as proof of the upload.
    reply(response, 200, sha);
  };
}

function pieceDownload(auth: Auth, volumes: VolumeStore): HttpHandler {
  return async (_request, response, token) => {
    const { volume, file, start, end } = auth.claims(token) ?? {};
    if (typeof volume !== 'string' || typeof file !== 'string') return reply(response, 403, 'Invalid download URL.\n');
    const fd = new Jail(volumes.currentFolder(volume)).open(file);
    try {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      const range = { start: Number(start), end: Number(end) - 1 };
      await pipeline(createReadStream('', { fd, ...range, autoClose: false }), response);
    } finally {
      closeSync(fd);
    }
  };
}
