import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { FileInfo, Sandbox, SandboxFilesystem } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { type Clock, DAY_MS, MINUTE_MS, systemClock } from '../base/clock.ts';
import { isRefusedInput, isSandboxStopped } from './errors.ts';
import { type AnswerLimits, execWith, inTime, QUIET_MS, readText } from './exec.ts';
import { limitedFilesystem } from './file-tools.ts';
import {
  type Content,
  type RemoteEntry,
  RemoteFileError,
  type RemoteFileProblem,
  type RemoteFiles,
} from './remote-files.ts';
import { NOT_STARTED_EXIT_CODES, requireShell } from './shell.ts';
import { strings } from './strings.ts';

/** Larger files are sent as a stream. */
const MAX_WHOLE_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Modal limits a command line to 65,536 characters. */
const MAX_ARGUMENT_CHARS = 50_000;
/** The maximum length of a chain of links, as on Linux. */
const MAX_LINKS = 40;
const ANSWER_LIMITS: AnswerLimits = { maxBytes: 256 * 1024, timeoutMs: MINUTE_MS };
/** About a hundred thousand names of a usual length. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;
/** Copying or removing a large folder takes a while. */
const CHANGE_TIMEOUT_MS = 10 * MINUTE_MS;
/** The slowest connection on which a transfer isn't stopped. */
const SLOWEST_BYTES_PER_MS = 500;
const FILE_TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;

/** The exit code of `READ` for pipes, sockets, and devices, which may never end. */
const NOT_REGULAR = 20;
/** Stops when its input ends, so that an abandoned reader doesn't keep running. */
const READ = `
[ -e "$1" ] && [ ! -f "$1" ] && [ ! -d "$1" ] && exit ${NOT_REGULAR}
exec 3<&0
cat -- "$1" </dev/null &
reader=$!
(while read -r _; do :; done; kill $reader) <&3 >/dev/null 2>&1 &
wait $reader`;

/** Prints a line for each name: `d` for a folder, `f` for a file, `-` for nothing. */
const TARGETS =
  'cd -- "$1" && shift && for p do if [ -d "./$p" ]; then echo d; elif [ -e "./$p" ]; then echo f; else echo -; fi; done';
/**
 * Writes to a temporary file and renames it, so that readers see the old file or the new one. Interrupted input ends like
 * complete input does, so the bytes are counted.
 */
const WRITE = `
mkdir -p -- "$2" || exit
[ -d "$1" ] && echo isDirectory && exit
if cat > "$3" && [ "$(wc -c < "$3")" -eq "$4" ]; then
  m=$(stat -c %a -- "$1" 2>/dev/null) && chmod "$m" "$3"
  mv -f -- "$3" "$1" && echo done
fi
rm -f -- "$3"`;

/** The SDK's file errors by name. */
const PROBLEMS: Readonly<Record<string, RemoteFileProblem>> = {
  SandboxFilesystemNotFoundError: 'notFound',
  SandboxFilesystemIsADirectoryError: 'isDirectory',
  SandboxFilesystemNotADirectoryError: 'notDirectory',
  SandboxFilesystemDirectoryNotEmptyError: 'notEmpty',
  SandboxFilesystemPathAlreadyExistsError: 'exists',
  SandboxFilesystemPermissionError: 'denied',
};

/** All files of a running sandbox. Copying, moving, and streaming use programs of the image: `cp`, `mv`, `cat`, `sh`. */
export function sandboxFiles(sandbox: () => Promise<Sandbox>, clock: Clock = systemClock): RemoteFiles {
  const call = <T>(path: string, work: (running: Sandbox) => Promise<T>, timeoutMs = CHANGE_TIMEOUT_MS) =>
    mapped(path, async () => inTime(work(await sandbox()), timeoutMs));
  const use = <T>(path: string, work: (files: SandboxFilesystem) => Promise<T>, timeoutMs = CHANGE_TIMEOUT_MS) =>
    call(
      path,
      async (running) => work(await limitedFilesystem(running, { maxBytes: MAX_LIST_BYTES, timeoutMs })),
      timeoutMs,
    );
  const statOf = (path: string) => use(path, (files) => files.stat(path), QUIET_MS);
  return {
    stat: async (path) => {
      const info = await statOf(path);
      if (info.type !== 'symlink') return entryOf(info);
      const target = await resolveLink(info, statOf);
      // Readers of the link get the target's size and time.
      return target
        ? { ...entryOf(target), name: info.name, type: 'symlink', target: targetOf(target) }
        : entryOf(info);
    },
    list: async (path) => {
      const running = await mapped(path, sandbox);
      const infos = await use(path, (files) => files.listFiles(path), QUIET_MS);
      const links = infos.filter(({ type }) => type === 'symlink').map(({ name }) => name);
      const targets = links.length > 0 ? await targetsOf(running, path, links) : new Map();
      return infos.map((info) => ({ ...entryOf(info), ...targets.get(info.name) }));
    },
    async *read(path, { signal, maxBytes }) {
      const running = await mapped(path, sandbox);
      const options = { mode: 'binary', timeoutMs: transferTimeoutMs(maxBytes) } as const;
      const start = () => running.exec(['sh', '-c', READ, 'sh', path], options);
      const process = await mapped(path, () => withShell(running, start()));
      const reader = process.stdout.getReader();
      const answer = <T>(call: () => Promise<T>) => untilAborted(withinStall(mapped(path, call), clock, path), signal);
      let left = maxBytes;
      try {
        for (;;) {
          const { done, value } = await answer(() => reader.read());
          if (done) break;
          yield value.subarray(0, left);
          left -= value.length;
          if (left <= 0) return;
        }
        const code = await answer(() => process.wait());
        if (code === NOT_REGULAR) throw new RemoteFileError('unavailable', strings.notRegularFile(path));
        if (code === 0) return;
        if ((await statOf(path)).type === 'directory') throw new RemoteFileError('isDirectory', strings.isFolder(path));
        if (NOT_STARTED_EXIT_CODES.includes(code)) await requireShell(running);
        throw problemOf(await readText(process.stderr), 'cat');
      } finally {
        // Not awaited: a reader that stops early must not wait for the rest.
        void process.closeStdin().catch(() => {});
        void reader.cancel().catch(() => {});
      }
    },
    write: async (path, content, { signal, onSent } = {}) => {
      const running = await mapped(path, sandbox);
      if (content.bytes <= MAX_WHOLE_BYTES) {
        const bytes = await content.read(0, content.bytes);
        await use(path, (files) => files.writeBytes(bytes, path), transferTimeoutMs(bytes.length));
        onSent?.(bytes.length);
        return;
      }
      const folder = posix.dirname(path);
      const unfinished = posix.join(folder, `.modal-upload-${randomUUID()}`);
      const argv = ['sh', '-c', WRITE, 'sh', path, folder, unfinished, String(content.bytes)];
      const source = { readFrom: (offset: number) => chunks(content, offset, onSent) };
      const limits = { ...ANSWER_LIMITS, timeoutMs: transferTimeoutMs(content.bytes) };
      const send = () => execWith(running, argv, { source: () => source, signal, ...limits });
      const output = await mapped(path, () => withShell(running, send()));
      const outcome = String(output).trim();
      if (outcome === '') await requireShell(running);
      if (outcome === 'isDirectory') throw new RemoteFileError('isDirectory', strings.isFolder(path));
      if (outcome !== 'done') throw new RemoteFileError('denied', strings.cannotWrite(path));
    },
    makeDirectory: (path) => use(path, (files) => files.makeDirectory(path)),
    remove: (path) => use(path, (files) => files.remove(path, { recursive: true })),
    rename: (from, to) => call(from, (running) => run(running, ['mv', '-T', '--', from, to])),
    copy: (from, to) => call(from, (running) => run(running, ['cp', '-a', '-T', '--', from, to])),
  };
}

/** Waits for a command. If it fails, and the sandbox has no shell, throws `UserError` that says so. */
async function withShell<T>(sandbox: Sandbox, command: Promise<T>): Promise<T> {
  return command.catch(async (error: unknown) => {
    if (isRefusedInput(error) || isSandboxStopped(error)) await requireShell(sandbox);
    throw error;
  });
}

/** Waits for a part of a file's content. Throws `RemoteFileError` if nothing arrives. */
async function withinStall<T>(part: Promise<T>, clock: Clock, path: string): Promise<T> {
  const stalled = Promise.withResolvers<never>();
  const cancel = clock.after(QUIET_MS, () =>
    stalled.reject(new RemoteFileError('unavailable', strings.stoppedSending(path))),
  );
  try {
    return await Promise.race([part, stalled.promise]);
  } finally {
    cancel();
  }
}

function entryOf({ name, type, size, mode, permissions, modifiedTime }: FileInfo): RemoteEntry {
  // Devices, pipes, and sockets are listed as files. The mode may or may not have their type bits.
  const kind = mode & FILE_TYPE_BITS;
  const isSpecial = type === 'file' && kind !== 0 && kind !== REGULAR_FILE;
  return {
    name,
    type: isSpecial ? 'other' : type,
    bytes: size,
    modifiedMs: Math.round(modifiedTime * 1000),
    ...(type === 'file' && (Number.parseInt(permissions, 8) & 0o222) === 0 && { isReadOnly: true }),
  };
}

const targetOf = ({ type }: FileInfo) => (type === 'directory' ? 'directory' : 'file');

/** Resolves a link; undefined if it's dangling. */
async function resolveLink(link: FileInfo, statOf: (path: string) => Promise<FileInfo>): Promise<FileInfo | undefined> {
  let info = link;
  for (let hops = 0; info.type === 'symlink' && hops < MAX_LINKS; hops += 1) {
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

/** Returns what the links of a folder point to. Empty if the image has no shell. */
async function targetsOf(
  sandbox: Sandbox,
  folder: string,
  names: readonly string[],
): Promise<Map<string, Pick<RemoteEntry, 'target'>>> {
  const found = new Map<string, Pick<RemoteEntry, 'target'>>();
  for (let start = 0; start < names.length; ) {
    const batch: string[] = [];
    for (let chars = folder.length; start < names.length && chars < MAX_ARGUMENT_CHARS; start += 1) {
      const name = names[start] as string;
      chars += name.length + 1;
      batch.push(name);
    }
    const output = await execWith(sandbox, ['sh', '-c', TARGETS, 'sh', folder, ...batch], ANSWER_LIMITS).catch(
      () => '',
    );
    for (const [at, line] of String(output).split('\n').entries()) {
      const name = batch[at];
      if (name !== undefined && line === 'd') found.set(name, { target: 'directory' });
      if (name !== undefined && line === 'f') found.set(name, { target: 'file' });
    }
  }
  return found;
}

async function* chunks(
  content: Content,
  offset: number,
  onSent: ((bytes: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < content.bytes; at += CHUNK_BYTES) {
    const chunk = await content.read(at, Math.min(CHUNK_BYTES, content.bytes - at));
    yield chunk;
    onSent?.(chunk.length);
  }
}

async function run(sandbox: Sandbox, argv: string[]): Promise<void> {
  const options = { mode: 'binary', stdout: 'ignore', timeoutMs: CHANGE_TIMEOUT_MS } as const;
  const process = await sandbox.exec(argv, options);
  const [stderr, code] = await Promise.all([readText(process.stderr, CHANGE_TIMEOUT_MS), process.wait()]);
  if (code !== 0) throw problemOf(stderr, argv[0] ?? '');
}

/** Converts the error output of a program in the sandbox. */
function problemOf(stderr: string, program: string): RemoteFileError {
  const message = stderr.trim().split('\n')[0] || strings.programNotInstalled(program);
  if (/No such file or directory/.test(message)) return new RemoteFileError('notFound', message);
  if (/Permission denied|Read-only|not permitted/.test(message)) return new RemoteFileError('denied', message);
  if (/Not a directory|non-directory/.test(message)) return new RemoteFileError('notDirectory', message);
  return new RemoteFileError('unavailable', message);
}

/** Returns the time after which the sandbox stops a transfer whose window may be lost. Modal accepts whole seconds. */
function transferTimeoutMs(bytes: number): number {
  return Math.min(MINUTE_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS / 1000) * 1000, DAY_MS);
}

/** Translates the SDK's errors into file errors. */
async function mapped<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RemoteFileError || !(error instanceof Error)) throw error;
    const problem = PROBLEMS[error.name];
    if (problem) throw new RemoteFileError(problem, strings.fileProblem(path, error.message), { cause: error });
    if (isSandboxStopped(error)) throw new RemoteFileError('gone', strings.sandboxFilesGone(), { cause: error });
    throw error;
  }
}
