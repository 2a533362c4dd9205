/**
 * The file RPCs that SDK releases before 0.8 call: a client opens a file, reads and writes it by its descriptor, and closes
 * it. One RPC starts an operation, and another one reads its result, as often as needed.
 */
import { randomUUID } from 'node:crypto';
import { close, closeSync, constants, fstatSync, ftruncateSync, read, write } from 'node:fs';
import { constants as system } from 'node:os';
import { posix } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { failureOf } from '../execs/file-failure.ts';
import type { FileOutput, FileOutputRequest } from '../grpc/older-methods.ts';
import { notFound, unimplemented } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import { Jail, systemError } from '../isolation/jail.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';

const [readAt, writeAt, closeFile] = [promisify(read), promisify(write), promisify(close)];
const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_EXCL, O_NONBLOCK } = constants;

/** Python's modes without `b` and `t`, which make no difference here. */
const FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
  'a+': O_RDWR | O_CREAT | O_APPEND,
  x: O_WRONLY | O_CREAT | O_EXCL,
  'x+': O_RDWR | O_CREAT | O_EXCL,
};

/** The size of a message, and the limit of one read, as on Modal. */
const CHUNK_BYTES = 1024 * 1024;
const MAX_READ_BYTES = 100 * 1024 * 1024;
/** The latest results, which can be read again. */
const MAX_RESULTS = 1000;
const MAX_RESULT_BYTES = 2 * MAX_READ_BYTES;
const MAX_OPEN_FILES = 256;

type FileRequest = Request<'containerFilesystemExec'>;
type Operation = (files: OpenFiles) => Promise<Uint8Array[] | undefined>;

interface OpenFile {
  readonly fd: number;
  position: number;
}

/** The files that clients have opened in a sandbox. */
class OpenFiles {
  readonly #files = new Map<string, OpenFile>();
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    void sandbox.ended.then(() => Promise.all([...this.#files.keys()].map((descriptor) => this.close(descriptor))));
  }

  async open(descriptor: string, path: string, mode: string): Promise<undefined> {
    const flags = FLAGS[mode.replaceAll(/[bt]/g, '')];
    if (flags === undefined) throw systemError('EINVAL', path);
    if (this.#files.size >= MAX_OPEN_FILES) throw systemError('EMFILE', path);
    const { root, setup } = this.#sandbox.container();
    const fd = new Jail(root).at(posix.resolve(setup.workdir, path), true, (place) => {
      const stat = place.name === '' ? fstatSync(place.directory) : place.lstat();
      if (stat?.isDirectory()) throw systemError('EISDIR', path);
      if (stat && !stat.isFile()) throw systemError('EINVAL', path);
      // Emptied only once it's certain to be a file.
      return place.open((flags & ~O_TRUNC) | O_NONBLOCK, 0o644);
    });
    try {
      if (!fstatSync(fd).isFile()) throw systemError('EINVAL', path);
      if (flags & O_TRUNC) ftruncateSync(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#files.set(descriptor, { fd, position: 0 });
  }

  /** Throws EBADF for a file that isn't open. */
  get(descriptor: string): OpenFile {
    const file = this.#files.get(descriptor);
    if (!file) throw systemError('EBADF', descriptor);
    return file;
  }

  async close(descriptor: string): Promise<undefined> {
    const { fd } = this.get(descriptor);
    this.#files.delete(descriptor);
    await closeFile(fd);
  }
}

/** Returns what a request does. Throws UNIMPLEMENTED. */
function operationOf(request: FileRequest, newDescriptor: string): Operation {
  const { fileOpenRequest, fileReadRequest, fileWriteRequest, fileFlushRequest, fileCloseRequest } = request;
  if (fileOpenRequest) return (files) => files.open(newDescriptor, fileOpenRequest.path, fileOpenRequest.mode);
  if (fileReadRequest) return (files) => readFrom(files.get(fileReadRequest.fileDescriptor), fileReadRequest.n);
  if (fileWriteRequest) return (files) => writeTo(files.get(fileWriteRequest.fileDescriptor), fileWriteRequest.data);
  // Nothing is kept back here.
  if (fileFlushRequest) return async (files) => void files.get(fileFlushRequest.fileDescriptor);
  if (fileCloseRequest) return (files) => files.close(fileCloseRequest.fileDescriptor);
  throw unimplemented('Local Modal supports only opening, reading, writing, flushing, and closing files this way');
}

/** Reads up to `n` bytes, or to the end. Throws EFBIG if that is too much. */
async function readFrom(file: OpenFile, n = MAX_READ_BYTES + 1): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let left = n; left > 0; ) {
    const buffer = Buffer.alloc(Math.min(left, CHUNK_BYTES));
    const { bytesRead } = await readAt(file.fd, buffer, 0, buffer.length, file.position);
    if (bytesRead === 0) return chunks;
    if (n - left + bytesRead > MAX_READ_BYTES) throw systemError('EFBIG', 'read');
    chunks.push(buffer.subarray(0, bytesRead));
    file.position += bytesRead;
    left -= bytesRead;
  }
  return chunks;
}

async function writeTo(file: OpenFile, data: Uint8Array): Promise<undefined> {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await writeAt(file.fd, data, written, data.length - written, file.position);
    written += bytesWritten;
    file.position += bytesWritten;
  }
}

/** Returns the output of an operation as messages, or its failure. */
async function resultOf(operate: () => ReturnType<Operation>): Promise<FileOutput[]> {
  try {
    return [...((await operate()) ?? []).map((bytes) => ({ output: [bytes] })), { eof: true }];
  } catch (error) {
    const { message, detail } = failureOf(error);
    const errorCode = (system.errno as Record<string, number>)[detail] ?? 0;
    return [{ error: { errorCode, errorMessage: message } }];
  }
}

/** The results of the latest operations of all sandboxes, as many as fit. */
class Results {
  readonly #results = new Map<string, Promise<FileOutput[]>>();
  readonly #bytes = new Map<string, number>();

  add(execId: string, result: Promise<FileOutput[]>): void {
    this.#results.set(execId, result);
    void result.then((messages) => {
      const bytes = messages.reduce(
        (sum, { output = [] }) => sum + output.reduce((all, { length }) => all + length, 0),
        0,
      );
      this.#bytes.set(execId, bytes);
      this.#forgetOldest();
    });
  }

  get(execId: string): Promise<FileOutput[]> | undefined {
    return this.#results.get(execId);
  }

  #forgetOldest(): void {
    let total = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const [execId, bytes] of [...this.#bytes].slice(0, -1)) {
      if (total <= MAX_RESULT_BYTES && this.#bytes.size <= MAX_RESULTS) return;
      total -= bytes;
      this.#bytes.delete(execId);
      this.#results.delete(execId);
    }
  }
}

export function containerFilesService(table: SandboxTable) {
  const opened = new WeakMap<Sandbox, OpenFiles>();
  const results = new Results();

  return {
    async containerFilesystemExec(request) {
      const fileDescriptor = `fd-${randomUUID()}`;
      const operation = operationOf(request, fileDescriptor);
      const sandbox = table.withTask(request.taskId);
      // Throws NOT_FOUND unless it's running.
      sandbox.container();
      const files = opened.get(sandbox) ?? new OpenFiles(sandbox);
      opened.set(sandbox, files);
      const execId = `fe-${randomUUID()}`;
      results.add(
        execId,
        resultOf(() => operation(files)),
      );
      return { execId, ...(request.fileOpenRequest && { fileDescriptor }) };
    },
    /** Ends without an end or a failure if the time is over, so the client calls again. */
    async *containerFilesystemExecGetOutput({ execId, timeout }: FileOutputRequest) {
      const result = results.get(execId);
      if (!result) throw notFound(`File operation ${execId} not found`);
      yield* await Promise.race([result, pause(timeout * 1000, [], { ref: false })]);
    },
  } satisfies Partial<ControlPlane> & Record<string, unknown>;
}
