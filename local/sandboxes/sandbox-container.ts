/** A container of a sandbox, either the main one or a sidecar: its root, its image mounts, and its entrypoint. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Exec, type ExecSpec } from '../execs/exec.ts';
import { watchCommand } from '../execs/file-watch.ts';
import { type FileOperation, fileExec } from '../execs/files-api.ts';
import type { Pipes } from '../execs/pipes.ts';
import { unimplemented } from '../grpc/status.ts';
import type { ExecStatus, PtyInfo } from '../grpc/wire.ts';
import type { Container } from '../isolation/container.ts';
import type { ImageRecord } from '../state/store.ts';

/** The ID of a sandbox's main container. */
export const MAIN_CONTAINER = 'main';

/** An image that is mounted over a directory. */
export interface ImageMount {
  /** The image's layers, lowest first. None for an empty directory. */
  readonly layers: readonly string[];
  /** The host folder with the changes made since. */
  readonly upper: string;
}

export interface ContainerSetup {
  readonly id: string;
  readonly container: Container;
  readonly image: ImageRecord;
  /** The host folder for all files of this container. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly pipes: Pipes;
  /** Called when a client writes to a process. */
  readonly onActivity: () => void;
}

export class SandboxContainer {
  readonly setup: ContainerSetup;
  /** By absolute path in the container. */
  readonly imageMounts = new Map<string, ImageMount>();
  entrypoint: Exec | undefined;

  constructor(setup: ContainerSetup) {
    this.setup = setup;
  }

  get id(): string {
    return this.setup.id;
  }

  get root(): string {
    return this.setup.container.root;
  }

  /** Starts the command that the container runs. */
  async startEntrypoint(argv: readonly string[], pty: PtyInfo | undefined): Promise<Exec> {
    this.entrypoint = await this.launch('entrypoint', {
      argv,
      env: this.setup.env,
      workdir: this.setup.workdir,
      pty: pty?.enabled ? { rows: pty.winszRows, cols: pty.winszCols } : undefined,
      keep: { stdout: true, stderr: true },
      // It must run on if its output is never read, and its log is only the latest lines.
      whenFull: 'drop oldest',
    });
    return this.entrypoint;
  }

  /** Starts a command. */
  async launch(name: string, spec: ExecSpec): Promise<Exec> {
    const { container, pipes, onActivity } = this.setup;
    return Exec.start(container, pipes, await this.#spoolPath(name), spec, onActivity);
  }

  /** Starts an operation of the file API. Throws UNIMPLEMENTED if the host cannot watch files. */
  async launchFileOperation(name: string, argv: readonly string[], operation: FileOperation): Promise<Exec> {
    if (!('Watch' in operation)) return fileExec(this.setup.container, argv, operation, await this.#spoolPath(name));
    const command = watchCommand(operation.Watch);
    if (!command) throw unimplemented('Watching files requires perl on this computer');
    return this.launch(name, {
      argv: command,
      env: this.setup.env,
      workdir: '/',
      keep: { stdout: true, stderr: true },
    });
  }

  async #spoolPath(name: string): Promise<string> {
    const folder = join(this.setup.folder, 'spool');
    await mkdir(folder, { recursive: true });
    return join(folder, name);
  }
}

/** Returns the exit code, or 128 plus the signal as in shells. */
export function exitCodeOf({ code, signal }: ExecStatus): number {
  return signal === undefined ? (code ?? 0) : 128 + signal;
}
