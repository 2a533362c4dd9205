/** Files in a volume or a sandbox, and their errors. Paths are absolute, with `/`. */
import { strings } from './strings.ts';

export type RemoteFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface RemoteEntry {
  readonly name: string;
  readonly type: RemoteFileType;
  readonly bytes: number;
  /** Milliseconds since 1970; 0 if unknown. */
  readonly modifiedMs: number;
  /** The target of a symlink, if known. */
  readonly target?: 'file' | 'directory';
  /** True if no one has write permission. */
  readonly isReadOnly?: boolean;
}

/** One change, as a watcher reports it. */
export interface RemoteChange {
  readonly kind: 'created' | 'changed' | 'deleted';
  readonly path: string;
}

/** Content that can be read from any offset, repeatedly. */
export interface Content {
  readonly bytes: number;
  /** Reads into `into` (of at least this length) if it's given and the content isn't already in memory. */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

export interface ReadOptions {
  /** The file as far as it is read. A sandbox's file may have no end. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes sent since the last call. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** The files of a volume or a sandbox. All methods throw `RemoteFileError` or the SDK's errors. */
export interface RemoteFiles {
  stat(path: string): Promise<RemoteEntry>;
  list(path: string): Promise<RemoteEntry[]>;
  /** Reads a file in order, in chunks of limited size. */
  read(path: string, options: ReadOptions): AsyncIterable<Uint8Array>;
  /** Creates or replaces a whole file, and creates its parent folders. */
  write(path: string, content: Content, options?: WriteOptions): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Removes a file, or a folder and its contents. */
  remove(path: string): Promise<void>;
  /** Creates or replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  /** Reports changes until it's stopped. Undefined if watching isn't possible. */
  watch?(path: string, isRecursive: boolean, onChanges: (changes: RemoteChange[]) => void): { stop(): void };
}

export type RemoteFileProblem =
  | 'notFound'
  | 'exists'
  | 'isDirectory'
  | 'notDirectory'
  | 'notEmpty'
  | 'denied'
  /** The sandbox or volume itself no longer exists. */
  | 'gone'
  | 'unavailable';

/** A failed file operation. The message is a sentence for users. */
export class RemoteFileError extends Error {
  override name = 'RemoteFileError';
  readonly problem: RemoteFileProblem;

  constructor(problem: RemoteFileProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** Wraps bytes in memory. */
export function contentOf(bytes: Uint8Array): Content {
  return { bytes: bytes.length, read: async (start, length) => bytes.subarray(start, start + length) };
}

/** Reads a whole file. Throws `RemoteFileError` if it's larger than `maxBytes`. */
export async function readAll(files: RemoteFiles, path: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of files.read(path, { maxBytes: maxBytes + 1 })) {
    bytes += part.length;
    if (bytes > maxBytes) {
      throw new RemoteFileError('unavailable', strings.tooLargeToRead(path, Math.round(maxBytes / 1024 / 1024)));
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
