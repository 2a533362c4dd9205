/** What the rest of the server knows of isolation: a container is a root with processes in it. */
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';

export interface ContainerSpec {
  /** Folder on this machine for the container's own changes; made by the caller, removed by the caller. */
  readonly folder: string;
  /** Layer folders of its image, lowest first. */
  readonly layers: readonly string[];
  /** False cuts it off from everything but its own loopback. */
  readonly network: boolean;
  readonly limits: Limits;
}

/** A folder of this machine inside a container. */
export interface BindMount {
  readonly source: string;
  /** Absolute path inside; made when missing. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** Folders of this machine laid over each other, the uppermost taking the changes. */
export interface OverlayMount {
  /** Lowest first, at least one. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** Absolute path inside; made when missing. */
  readonly target: string;
}

/** What the container as a whole may take; undefined is no limit. */
export interface Limits {
  readonly memoryMiB?: number | undefined;
  readonly cpus?: number | undefined;
}

export interface PtySize {
  readonly rows: number;
  readonly cols: number;
}

export interface CommandSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path inside. */
  readonly workdir: string;
  readonly pty?: PtySize | undefined;
  /** Descriptors of this process that become the command's stdin, stdout and stderr. */
  readonly stdio: readonly [number, number, number];
}

/** A started command. Its exit code and signal are those of `child`'s 'exit' event. */
export interface Command {
  readonly child: ChildProcess;
  /** SIGKILL to the command's process group and to everything below it. */
  kill(): void;
}

export interface Container {
  /**
   * Path, in this process alone, through which the container's root is seen, mounts included.
   * @throws when the container has ended
   */
  readonly root: string;
  /** Folder on this machine that holds what differs from the layers: itself a layer, once nothing writes there. */
  readonly changes: string;
  /** Process ids on this machine that belong to it as a whole. */
  readonly pids: readonly number[];
  /** Settles when the container is gone with all of its processes, however it came to that. */
  readonly ended: Promise<void>;
  spawn(command: CommandSpec): Promise<Command>;
  /** Kills every process in it and waits until they are gone. */
  kill(): Promise<void>;
  /**
   * Connects to a port on its loopback.
   * @throws when nothing listens there
   */
  connect(port: number): Promise<Duplex>;
  /** Kills every process in it but lets it stand, mounts and all. */
  quiet(): Promise<void>;
  /**
   * Mounts over whatever is at the target.
   * @throws when the kernel refuses
   */
  mount(mount: BindMount | OverlayMount): Promise<void>;
  /**
   * Takes away the uppermost mount at a target.
   * @throws when files on it are open, unless `lazy`
   */
  unmount(target: string, options: { lazy: boolean }): Promise<void>;
  /**
   * Copies a folder as it is, links and owners included, with the container's own rights.
   * @param from the folder, held open
   * @param to on this machine; made when missing
   * @throws when files vanish in the middle again and again
   */
  copyOut(from: number, to: string): Promise<void>;
}

export interface Isolation {
  start(spec: ContainerSpec): Promise<Container>;
}
