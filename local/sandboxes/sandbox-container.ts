/** One container of a sandbox, the main one or a sidecar: its root, what is mounted in it, and its entrypoint. */
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

/** The id of a sandbox's own container. */
export const MAIN_CONTAINER = 'main';

/** An image mounted over a directory. */
export interface ImageMount {
  /** Layers below, lowest first; none for an empty directory. */
  readonly layers: readonly string[];
  /** Folder on this machine with the changes made since. */
  readonly upper: string;
}

export interface ContainerParts {
  readonly id: string;
  readonly container: Container;
  readonly image: ImageRecord;
  /** Folder on this machine for everything of this container. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly pipes: Pipes;
  /** Called when a process is written to. */
  readonly onActivity: () => void;
}

export class SandboxContainer {
  readonly parts: ContainerParts;
  /** By absolute path inside. */
  readonly imageMounts = new Map<string, ImageMount>();
  entrypoint: Exec | undefined;

  constructor(parts: ContainerParts) {
    this.parts = parts;
  }

  get id(): string {
    return this.parts.id;
  }

  get root(): string {
    return this.parts.container.root;
  }

  /** Starts the command that the container lives for. */
  async startEntrypoint(argv: readonly string[], pty: PtyInfo | undefined): Promise<Exec> {
    this.entrypoint = await this.launch('entrypoint', {
      argv,
      env: this.parts.env,
      workdir: this.parts.workdir,
      pty: pty?.enabled ? { rows: pty.winszRows, cols: pty.winszCols } : undefined,
      keep: { stdout: true, stderr: true },
    });
    return this.entrypoint;
  }

  /** Starts a command. @throws NOT_FOUND when its working directory is not there */
  async launch(name: string, spec: ExecSpec): Promise<Exec> {
    const { container, pipes, onActivity } = this.parts;
    return Exec.start(container, pipes, await this.#spool(name), spec, onActivity);
  }

  /**
   * Carries out an operation of the file API.
   * @throws UNIMPLEMENTED when this machine cannot watch files
   */
  async launchFileOperation(name: string, argv: readonly string[], operation: FileOperation): Promise<Exec> {
    if (!('Watch' in operation)) return fileExec(this.parts.container, argv, operation, await this.#spool(name));
    const command = watchCommand(operation.Watch);
    if (!command) throw unimplemented('Watching files needs perl on this machine');
    return this.launch(name, {
      argv: command,
      env: this.parts.env,
      workdir: '/',
      keep: { stdout: true, stderr: true },
    });
  }

  async #spool(name: string): Promise<string> {
    const folder = join(this.parts.folder, 'spool');
    await mkdir(folder, { recursive: true });
    return join(folder, name);
  }
}

/** 128 + signal, as shells tell it. */
export function exitCodeOf({ code, signal }: ExecStatus): number {
  return signal === undefined ? (code ?? 0) : 128 + signal;
}
