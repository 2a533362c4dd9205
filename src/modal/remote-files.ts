/** Files that lie in a volume or in a sandbox, and what goes wrong with them. Paths are absolute, with `/`. */

export type RemoteFileType = 'file' | 'directory' | 'symlink' | 'other';

export interface RemoteEntry {
  readonly name: string;
  readonly type: RemoteFileType;
  readonly bytes: number;
  /** Milliseconds since 1970; 0 where it is not known. */
  readonly modifiedMs: number;
  /** What a symlink leads to, where that is known. */
  readonly target?: 'file' | 'directory';
  /** Whether nobody may write it. */
  readonly isReadOnly?: boolean;
}

/** One change, as a watcher reports it. */
export interface RemoteChange {
  readonly kind: 'created' | 'changed' | 'deleted';
  readonly path: string;
}

/** Content that can be read at any place, and again. */
export interface Content {
  readonly bytes: number;
  /** Reads into `into`, at least as long, where that is given and the content is not in memory already. */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes that have been sent since the last call. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** One volume's or sandbox's files. All methods throw `RemoteFileError` or the SDK's errors. */
export interface RemoteFiles {
  stat(path: string): Promise<RemoteEntry>;
  list(path: string): Promise<RemoteEntry[]>;
  /** The bytes of a file, in order; what is held at once does not grow with the file. */
  read(path: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Makes or replaces a file as a whole, and the folders above it. */
  write(path: string, content: Content, options?: WriteOptions): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** A folder with all in it. */
  remove(path: string): Promise<void>;
  /** Makes or replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  /** Reports changes until it is stopped; absent where nothing can be watched. */
  watch?(path: string, isRecursive: boolean, onChanges: (changes: RemoteChange[]) => void): { stop(): void };
}

export type RemoteFileProblem =
  | 'notFound'
  | 'exists'
  | 'isDirectory'
  | 'notDirectory'
  | 'notEmpty'
  | 'denied'
  /** The sandbox or volume itself is not there any more. */
  | 'gone'
  | 'unavailable';

export class RemoteFileError extends Error {
  override name = 'RemoteFileError';
  readonly problem: RemoteFileProblem;

  constructor(problem: RemoteFileProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** Bytes in memory as content. */
export function contentOf(bytes: Uint8Array): Content {
  return { bytes: bytes.length, read: async (start, length) => bytes.subarray(start, start + length) };
}

/** All bytes of a file. Throws `RemoteFileError` when there are more than `mostBytes`. */
export async function readAll(files: RemoteFiles, path: string, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of files.read(path)) {
    bytes += part.length;
    if (bytes > mostBytes) {
      throw new RemoteFileError(
        'unavailable',
        `“${path}” is larger than ${Math.round(mostBytes / 1024 / 1024)} MiB, too large for the editor. Download it instead.`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
