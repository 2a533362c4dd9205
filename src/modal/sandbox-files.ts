import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerProcess, FileInfo, Sandbox } from 'modal';
import { isSandboxStopped } from './errors.ts';
import { execWith } from './exec.ts';
import {
  type Content,
  type RemoteEntry,
  RemoteFileError,
  type RemoteFileProblem,
  type RemoteFiles,
} from './remote-files.ts';

/** Larger files are sent as a stream. */
const WHOLE_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
/** A command line has at most 65,536 characters. */
const MOST_ARGUMENT_CHARS = 50_000;
/** How many links may lead to each other, as on Linux. */
const MOST_LINKS = 40;
const OTHERS_FILE_BITS = 0o170000;
const REGULAR = 0o100000;

/** Answers for each name: a folder, a file, or nothing. */
const TARGETS =
  'cd -- "$1" && shift && for p do if [ -d "./$p" ]; then echo d; elif [ -e "./$p" ]; then echo f; else echo -; fi; done';
/**
 * Writes beside and renames, so that a reader sees the old file or the new one. What was broken off ends as any input does,
 * so the bytes are counted.
 */
const WRITE = `
mkdir -p -- "$2" || exit
[ -d "$1" ] && echo isDirectory && exit
if cat > "$3" && [ "$(wc -c < "$3")" -eq "$4" ]; then
  m=$(stat -c %a -- "$1" 2>/dev/null) && chmod "$m" "$3"
  mv -f -- "$3" "$1" && echo done
fi
rm -f -- "$3"`;

/** What the SDK's file errors mean. */
const PROBLEMS: Readonly<Record<string, RemoteFileProblem>> = {
  SandboxFilesystemNotFoundError: 'notFound',
  SandboxFilesystemIsADirectoryError: 'isDirectory',
  SandboxFilesystemNotADirectoryError: 'notDirectory',
  SandboxFilesystemDirectoryNotEmptyError: 'notEmpty',
  SandboxFilesystemPathAlreadyExistsError: 'exists',
  SandboxFilesystemPermissionError: 'denied',
};
const GONE = 'The sandbox has ended, and its files with it.';

/** The files of a running sandbox, all of them. Programs of the image copy, move and stream: `cp`, `mv`, `cat`, `sh`. */
export function sandboxFiles(sandbox: () => Promise<Sandbox>): RemoteFiles {
  const statOf = (path: string) => mapped(path, async () => (await sandbox()).filesystem.stat(path));
  return {
    stat: async (path) => {
      const info = await statOf(path);
      if (info.type !== 'symlink') return entryOf(info);
      const target = await followed(info, statOf);
      // Size and time are those of what is read through the link.
      return target
        ? { ...entryOf(target), name: info.name, type: 'symlink', target: targetOf(target) }
        : entryOf(info);
    },
    list: async (path) => {
      const running = await mapped(path, sandbox);
      const infos = await mapped(path, () => running.filesystem.listFiles(path));
      const links = infos.filter(({ type }) => type === 'symlink').map(({ name }) => name);
      const targets = links.length > 0 ? await targetsOf(running, path, links) : new Map();
      return infos.map((info) => ({ ...entryOf(info), ...targets.get(info.name) }));
    },
    async *read(path, { signal } = {}) {
      const running = await mapped(path, sandbox);
      const process = await mapped(path, () => running.exec(['cat', '--', path], { mode: 'binary' }));
      const reader = process.stdout.getReader();
      try {
        for (;;) {
          signal?.throwIfAborted();
          const { done, value } = await mapped(path, () => reader.read());
          if (done) break;
          yield value;
        }
      } finally {
        // Not waited for: whoever has enough shall not wait for the rest.
        void reader.cancel().catch(() => {});
      }
      if ((await mapped(path, () => process.wait())) !== 0) throw await readProblem(path, process, statOf);
    },
    write: async (path, content, { signal, onSent } = {}) => {
      const running = await mapped(path, sandbox);
      if (content.bytes <= WHOLE_BYTES) {
        const bytes = await content.read(0, content.bytes);
        await mapped(path, () => running.filesystem.writeBytes(bytes, path));
        onSent?.(bytes.length);
        return;
      }
      const folder = posix.dirname(path);
      const unfinished = posix.join(folder, `.modal-upload-${randomUUID()}`);
      const argv = ['sh', '-c', WRITE, 'sh', path, folder, unfinished, String(content.bytes)];
      const source = { readFrom: (offset: number) => pieces(content, offset, onSent) };
      const said = await mapped(path, () => execWith(running, argv, { source: () => source, signal }));
      if (String(said).trim() === 'isDirectory') throw new RemoteFileError('isDirectory', `“${path}” is a folder.`);
      if (String(said).trim() !== 'done')
        throw new RemoteFileError('denied', `“${path}” cannot be written in the sandbox.`);
    },
    makeDirectory: (path) => mapped(path, async () => (await sandbox()).filesystem.makeDirectory(path)),
    remove: (path) => mapped(path, async () => (await sandbox()).filesystem.remove(path, { recursive: true })),
    rename: (from, to) => mapped(from, async () => run(await sandbox(), ['mv', '-T', '--', from, to])),
    copy: (from, to) => mapped(from, async () => run(await sandbox(), ['cp', '-a', '-T', '--', from, to])),
  };
}

function entryOf({ name, type, size, mode, permissions, modifiedTime }: FileInfo): RemoteEntry {
  // Devices, pipes and sockets come as files; whether the mode has the bits that tell is up to the sandbox.
  const kind = mode & OTHERS_FILE_BITS;
  const isSpecial = type === 'file' && kind !== 0 && kind !== REGULAR;
  return {
    name,
    type: isSpecial ? 'other' : type,
    bytes: size,
    modifiedMs: Math.round(modifiedTime * 1000),
    ...(type === 'file' && (Number.parseInt(permissions, 8) & 0o222) === 0 && { isReadOnly: true }),
  };
}

const targetOf = ({ type }: FileInfo) => (type === 'directory' ? 'directory' : 'file');

/** What a link leads to at last; undefined when that is nothing. */
async function followed(link: FileInfo, statOf: (path: string) => Promise<FileInfo>): Promise<FileInfo | undefined> {
  let info = link;
  for (let hops = 0; info.type === 'symlink' && hops < MOST_LINKS; hops += 1) {
    const path = posix.resolve(posix.dirname(info.path), info.symlinkTarget ?? '');
    try {
      info = await statOf(path);
    } catch (error) {
      if (error instanceof RemoteFileError && error.problem === 'notFound') return undefined;
      throw error;
    }
  }
  return info.type === 'symlink' ? undefined : info;
}

/** What the links of a folder lead to. Nothing is known where the image has no shell. */
async function targetsOf(
  sandbox: Sandbox,
  folder: string,
  names: readonly string[],
): Promise<Map<string, Pick<RemoteEntry, 'target'>>> {
  const found = new Map<string, Pick<RemoteEntry, 'target'>>();
  for (let start = 0; start < names.length; ) {
    const batch: string[] = [];
    for (let chars = folder.length; start < names.length && chars < MOST_ARGUMENT_CHARS; start += 1) {
      const name = names[start] as string;
      chars += name.length + 1;
      batch.push(name);
    }
    const said = await execWith(sandbox, ['sh', '-c', TARGETS, 'sh', folder, ...batch]).catch(() => '');
    for (const [at, line] of String(said).split('\n').entries()) {
      const name = batch[at];
      if (name !== undefined && line === 'd') found.set(name, { target: 'directory' });
      if (name !== undefined && line === 'f') found.set(name, { target: 'file' });
    }
  }
  return found;
}

async function* pieces(
  content: Content,
  offset: number,
  onSent: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < content.bytes; at += PIECE_BYTES) {
    const piece = await content.read(at, Math.min(PIECE_BYTES, content.bytes - at));
    yield piece;
    onSent?.(piece.length);
  }
}

async function run(sandbox: Sandbox, argv: string[]): Promise<void> {
  const process = await sandbox.exec(argv, { stdout: 'ignore' });
  const [complaint, code] = await Promise.all([process.stderr.readText(), process.wait()]);
  if (code !== 0) throw problemOf(complaint, argv[0] ?? '');
}

/** What a program of the sandbox says about a file. */
function problemOf(complaint: string, program: string): RemoteFileError {
  const said = complaint.trim().split('\n')[0] || `${program} is not in the sandbox’s image.`;
  if (/No such file or directory/.test(said)) return new RemoteFileError('notFound', said);
  if (/Permission denied|Read-only|not permitted/.test(said)) return new RemoteFileError('denied', said);
  if (/Not a directory|non-directory/.test(said)) return new RemoteFileError('notDirectory', said);
  return new RemoteFileError('unavailable', said);
}

async function readProblem(
  path: string,
  process: ContainerProcess<Uint8Array>,
  statOf: (path: string) => Promise<FileInfo>,
): Promise<Error> {
  const { type } = await statOf(path);
  if (type === 'directory') return new RemoteFileError('isDirectory', `“${path}” is a folder.`);
  return problemOf(new TextDecoder().decode(await process.stderr.readBytes()), 'cat');
}

/** What calls about files throw, in the words of files. */
async function mapped<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RemoteFileError || !(error instanceof Error)) throw error;
    const problem = PROBLEMS[error.name];
    if (problem) throw new RemoteFileError(problem, `“${path}”: ${error.message}`, { cause: error });
    if (isSandboxStopped(error)) throw new RemoteFileError('gone', GONE, { cause: error });
    throw error;
  }
}
