/**
 * The SDK's file API. The SDK runs a helper that Modal adds to every sandbox, with one JSON argument. Here the server does
 * the helper's work itself, in the sandbox's root, with the same streams and exit codes. Only `Watch` is a real process.
 */
import { createReadStream } from 'node:fs';
import { chmod, open, rename, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { z } from 'zod';
import type { Container } from '../isolation/container.ts';
import { Jail } from '../isolation/jail.ts';
import { Exec } from './exec.ts';
import { FileFailure, failureOf, failWith } from './file-failure.ts';
import { fileInfo, type Names, namesOf } from './file-info.ts';
import type { Spool } from './spool.ts';
import type { Sink } from './stdin.ts';

/** The path of the helper, by which its commands are recognized. */
export const HELPER_PATH = '/__modal/.bin/modal-sandbox-fs-tools';
/** Files over this size are rejected, as on Modal. */
const MAX_READ_BYTES = 5 * 1024 ** 3;

const TargetSchema = z.object({ path: z.string().startsWith('/') });
const OperationSchema = z.union([
  z.strictObject({ ReadFile: TargetSchema }),
  z.strictObject({ WriteFile: TargetSchema }),
  z.strictObject({ ListFiles: TargetSchema }),
  z.strictObject({ Stat: TargetSchema }),
  z.strictObject({ MakeDirectory: TargetSchema.extend({ parents: z.boolean() }) }),
  z.strictObject({ Remove: TargetSchema.extend({ recursive: z.boolean() }) }),
  z.strictObject({
    Watch: TargetSchema.extend({
      recursive: z.boolean(),
      filter: z.array(z.string()).nullish(),
      timeout_secs: z.number().nullish(),
    }),
  }),
]);

export type FileOperation = z.infer<typeof OperationSchema>;
type ServedOperation = Exclude<FileOperation, { Watch: unknown }>;
export type WatchOperation = Extract<FileOperation, { Watch: unknown }>['Watch'];

/** Returns the file operation of a command, or undefined if the command isn't the helper. */
export function fileOperation(argv: readonly string[]): FileOperation | undefined {
  if (argv[0] !== HELPER_PATH) return undefined;
  const parsed = OperationSchema.safeParse(jsonOf(argv[1] ?? ''));
  return parsed.success ? parsed.data : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs a file operation as an exec. */
export function fileExec(
  container: Container,
  argv: readonly string[],
  request: ServedOperation,
  spoolPath: string,
): Exec {
  const input = new Input();
  return Exec.inProcess(argv, spoolPath, input, async ({ stdout, stderr }, signal) => {
    try {
      await new Files(new Jail(container.root)).run(request, input, stdout, signal);
      return 0;
    } catch (error) {
      void stderr.append(Buffer.from(`${JSON.stringify(failureOf(error))}\n`));
      return 1;
    }
  });
}

/** The stdin of an exec that runs in this process. It holds one chunk at a time until that is read. */
class Input implements Sink {
  #chunk: Uint8Array | undefined;
  #ended = false;
  #wake: () => void = () => {};
  #taken: () => void = () => {};

  write(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#chunk = data;
      this.#taken = resolve;
      this.#wake();
    });
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      if (this.#chunk) {
        const chunk = this.#chunk;
        this.#chunk = undefined;
        yield chunk;
        this.#taken();
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    throw new FileFailure('Io', 'The write was interrupted');
  }
}

class Files {
  readonly #jail: Jail;
  #names: Names | undefined;

  constructor(jail: Jail) {
    this.#jail = jail;
  }

  async run(request: ServedOperation, input: Input, stdout: Spool, signal: AbortSignal): Promise<void> {
    if ('ReadFile' in request) return this.#read(request.ReadFile.path, stdout, signal);
    if ('WriteFile' in request) return this.#write(request.WriteFile.path, input, signal);
    if ('MakeDirectory' in request) return this.#mkdir(request.MakeDirectory.path, request.MakeDirectory.parents);
    if ('Remove' in request) return this.#jail.remove(request.Remove.path, request.Remove.recursive);
    const reply = 'Stat' in request ? this.#info(request.Stat.path) : this.#list(request.ListFiles.path);
    await stdout.append(Buffer.from(JSON.stringify(reply)));
  }

  #info(file: string) {
    this.#names ??= namesOf(this.#jail);
    return fileInfo(this.#jail, file, this.#names);
  }

  #list(folder: string) {
    if (!this.#jail.stat(folder).isDirectory()) failWith('NotDirectory', 'Not a directory');
    const infos = [];
    for (const name of this.#jail.list(folder)) {
      try {
        infos.push(this.#info(posix.join(folder, name)));
      } catch (error) {
        // The file was removed after the folder was listed.
        if (failureOf(error).error_kind !== 'NotFound') throw error;
      }
    }
    return infos;
  }

  async #read(file: string, stdout: Spool, signal: AbortSignal): Promise<void> {
    const stat = this.#jail.stat(file);
    if (stat.isDirectory()) failWith('IsDirectory', 'Is a directory');
    if (!stat.isFile()) failWith('NotSupported', 'Not a regular file');
    if (stat.size > MAX_READ_BYTES) failWith('FileTooLarge', 'File is larger than 5 GiB');
    const stream = createReadStream('', { fd: this.#jail.open(file), highWaterMark: 1024 * 1024, signal });
    for await (const chunk of stream) await stdout.append(chunk);
  }

  #mkdir(file: string, parents: boolean): void {
    if (parents) this.#jail.mkdirs(file);
    else this.#jail.mkdir(file);
  }

  /** Writes a temporary file and renames it, so that readers see either the old file or the new one. Links are followed. */
  async #write(file: string, input: Input, signal: AbortSignal): Promise<void> {
    const parent = posix.dirname(file);
    try {
      this.#jail.mkdirs(parent);
    } catch (error) {
      const { error_kind: kind } = failureOf(error);
      throw kind === 'PathAlreadyExists' ? new FileFailure('NotDirectory', 'Not a directory') : error;
    }
    await this.#jail.atAsync(file, true, async (place) => {
      const before = place.lstat();
      if (place.name === '' || before?.isDirectory()) failWith('IsDirectory', 'Is a directory');
      const temporary = `${place.folder}/.${place.name.slice(0, 200)}.${process.hrtime.bigint()}`;
      const handle = await open(temporary, 'wx', 0o644);
      try {
        for await (const chunk of input.read(signal)) await handle.write(chunk);
        await handle.close();
        if (before) await chmod(temporary, before.mode & 0o7777);
        await rename(temporary, place.path);
      } catch (error) {
        await handle.close().catch(() => {});
        await unlink(temporary).catch(() => {});
        throw error;
      }
    });
  }
}
