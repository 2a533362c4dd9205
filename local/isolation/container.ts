/** What the rest of the server knows of isolation: a container is a root with processes in it. */
import type { ChildProcess } from 'node:child_process';

export interface ContainerSpec {
  /** Folder on this machine for the container's own changes; made by the caller, removed by the caller. */
  folder: string;
  /** Layer folders of its image, lowest first. */
  layers: readonly string[];
  /** False cuts it off from everything but its own loopback. */
  network: boolean;
  mounts: readonly BindMount[];
  limits: Limits;
}

export interface BindMount {
  /** Folder on this machine. */
  source: string;
  /** Absolute path inside; made when missing. */
  target: string;
  readOnly: boolean;
}

/** What the container as a whole may take; undefined is no limit. */
export interface Limits {
  memoryMiB?: number | undefined;
  cpus?: number | undefined;
}

export interface PtySize {
  rows: number;
  cols: number;
}

export interface CommandSpec {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Absolute path inside. */
  workdir: string;
  pty?: PtySize | undefined;
  /** Descriptors of this process that become the command's stdin, stdout and stderr. */
  stdio: readonly [number, number, number];
}

/** A started command. Its exit code and signal are those of `child`'s 'exit' event. */
export interface Command {
  child: ChildProcess;
  /** SIGKILL to the command's process group and to everything below it. */
  kill(): void;
}

export interface Container {
  /** Path on this machine through which the container's root is seen, mounts included. */
  readonly root: string;
  /** Process ids on this machine that belong to it as a whole. */
  readonly pids: readonly number[];
  /** Settles when the container is gone with all of its processes, however it came to that. */
  readonly ended: Promise<void>;
  spawn(command: CommandSpec): Promise<Command>;
  /** Kills every process in it and waits until they are gone. */
  kill(): Promise<void>;
  /**
   * Mounts a folder of this machine inside, over whatever is there.
   * @throws when the kernel refuses
   */
  mount(mount: BindMount): Promise<void>;
  unmount(target: string): Promise<void>;
}

export interface Isolation {
  start(spec: ContainerSpec): Promise<Container>;
}
