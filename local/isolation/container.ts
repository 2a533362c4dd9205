/** The interface of isolation: a container is a root file system with processes in it. */
import type { Duplex } from 'node:stream';
import type { ExecStatus } from '../grpc/wire.ts';

/** The IPv4 ranges and the domains that programs may reach. */
export interface Allowlist {
  readonly cidrs: readonly string[];
  readonly domains: readonly string[];
}

export type NetworkAccess = 'open' | 'none' | Allowlist;

/** The network of one or more containers. */
export interface ContainerNetwork {
  /** The beginning of a command line that runs in the network, with the right to create namespaces in it. */
  readonly enter: readonly string[];
  /** Whether it is a loopback that each container has for itself. */
  readonly isLoopback: boolean;
  /** Connects to a port on its loopback, from outside of the container. Undefined if that isn't possible. */
  connect?(port: number): Promise<Duplex>;
  /** Changes what may be reached, if that can be changed. */
  setAllowlist(allowlist: Allowlist): Promise<void>;
}

export interface ContainerSpec {
  /** The host folder for the container's changes. The caller creates and removes it. */
  readonly folder: string;
  /** The layer folders of its image, lowest first. */
  readonly layers: readonly string[];
  /** What it may reach, or the network of another container to share. */
  readonly network: NetworkAccess | ContainerNetwork;
  readonly limits: Limits;
  /** Asks for gVisor. By default, the server chooses. */
  readonly runtime?: 'gvisor' | undefined;
}

/** A host folder that is mounted in a container. */
export interface BindMount {
  readonly source: string;
  /** The absolute path in the container. Created if it doesn't exist. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** An overlay of host folders. The upper one receives the changes. */
export interface OverlayMount {
  /** Lowest first, at least one. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** The absolute path in the container. Created if it doesn't exist. */
  readonly target: string;
}

/** Limits for the container as a whole. Undefined means no limit. */
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
  /** The absolute path in the container. */
  readonly workdir: string;
  readonly pty?: PtySize | undefined;
  /** File descriptors of this process that become the command's stdin, stdout, and stderr. */
  readonly stdio: readonly [number, number, number];
}

/** A started command. */
export interface Command {
  /** The host process ID of its helper, if it has one. */
  readonly pid?: number | undefined;
  /** Resolves when it has exited, though its output may not be complete. */
  readonly exited: Promise<ExecStatus>;
  /** Sends SIGKILL to the command's process group and to all of its descendants. */
  kill(): void;
}

/** What can be done with a running container's files from outside. */
export interface Mounts {
  /** Mounts over whatever is at the target. Throws if the kernel refuses. */
  mount(mount: BindMount | OverlayMount): Promise<void>;
  /** Removes the topmost mount at a target. Throws if files on it are open, unless `lazy` is set. */
  unmount(target: string, options: { lazy: boolean }): Promise<void>;
  /**
   * Copies a folder with the container's permissions, keeping links and owners. `from` is a file descriptor of the folder,
   * `to` is a host folder that is created if needed. Throws if files keep disappearing while they are copied.
   */
  copyOut(from: number, to: string): Promise<void>;
}

export interface Container {
  readonly mounts: Mounts;
  /** The path of the container's root, including mounts. Valid only in this process. Throws if the container has stopped. */
  readonly root: string;
  /** The host folder with the changes to the layers. It can become a layer once nothing writes to it. */
  readonly changes: string;
  /** The host process IDs of the container itself. */
  readonly pids: readonly number[];
  /** Resolves when the container and all of its processes are gone, for whatever reason. */
  readonly ended: Promise<void>;
  /** Resolves when no program can run in it any more, because of its memory limit, a failure, or its end. Its files may still exist. */
  readonly failed: Promise<void>;
  /** Whether it has been killed because it exceeded its memory limit. */
  readonly isOutOfMemory: boolean;
  spawn(command: CommandSpec): Promise<Command>;
  /** Kills the container, and waits until all of its processes are gone, for at most a few seconds. */
  kill(): Promise<void>;
  readonly network: ContainerNetwork;
  /** Connects to a port on the container's loopback. Throws if nothing listens there. */
  connect(port: number): Promise<Duplex>;
  /**
   * Kills every process in the container, but keeps the container and its mounts. Gives up after a few seconds if new
   * processes keep appearing.
   */
  killProcesses(): Promise<void>;
}

export interface Isolation {
  start(spec: ContainerSpec): Promise<Container>;
}
