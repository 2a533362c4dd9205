/**
 * No isolation, for systems without namespaces and only if the user allows it: commands are plain processes of this user
 * that see the whole computer. Each sandbox has a folder for relative paths and HOME.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { failedPrecondition } from '../grpc/status.ts';
import type { Command, CommandSpec, Container, ContainerSpec, Isolation } from './container.ts';
import { HOST } from './networks.ts';
import { exitOf, killDescendants } from './processes.ts';
import { connectToHost } from './relay.ts';

export class Unisolated implements Isolation {
  async start({ folder }: ContainerSpec): Promise<Container> {
    const root = join(folder, 'up', 'root');
    await mkdir(root, { recursive: true });
    return new PlainFolder(root);
  }
}

const NO_MOUNTS = 'Mounts, volumes, and snapshots are not available without isolation';
const refuse = () => Promise.reject(failedPrecondition(NO_MOUNTS));

class PlainFolder implements Container {
  readonly mounts = { mount: refuse, unmount: refuse, copyOut: refuse };
  readonly root: string;
  readonly changes: string;
  readonly pids: readonly number[] = [];
  readonly isOutOfMemory = false;
  readonly network = HOST;
  readonly ended: Promise<void>;
  readonly failed: Promise<void>;
  #end: () => void = () => {};
  readonly #commands = new Set<Command>();

  constructor(root: string) {
    this.root = root;
    this.changes = dirname(root);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.failed = this.ended;
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    if (pty) throw failedPrecondition('Terminals are not available without isolation');
    const [program = '', ...args] = argv;
    const cwd = join(this.root, resolve('/', workdir));
    await mkdir(cwd, { recursive: true });
    const HOME = join(this.root, env.HOME ?? 'root');
    const child = spawn(program, args, { cwd, env: { ...env, HOME }, detached: true, stdio: [...stdio] });
    const exited = exitOf(child);
    await once(child, 'spawn');
    const kill = () => {
      if (!child.pid) return;
      killDescendants(child.pid);
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has already exited.
      }
    };
    const command = { pid: child.pid, exited, kill };
    this.#commands.add(command);
    void exited.then(() => this.#commands.delete(command));
    return command;
  }

  connect(port: number): Promise<Duplex> {
    return connectToHost(port);
  }

  async killProcesses(): Promise<void> {
    const ends = [...this.#commands].map(({ exited }) => exited);
    for (const command of this.#commands) command.kill();
    await Promise.all(ends);
  }

  async kill(): Promise<void> {
    await this.killProcesses();
    this.#end();
  }
}

interface Reasons {
  /** Why there are no containers at all. */
  readonly reason?: string | undefined;
  /** Why they would have root's rights. */
  readonly rootReason?: string | undefined;
  /** Why there is no gVisor, if it's asked for. */
  readonly gvisorReason?: string | undefined;
}

/** Rejects every sandbox with instructions for running it. */
export class IsolationUnavailable implements Isolation {
  readonly message: string;

  constructor({ reason, rootReason, gvisorReason }: Reasons) {
    const consent = 'start Local Modal with --allow-unisolated (in VS Code: modal.localModal.allowUnisolated)';
    if (reason) {
      this.message = `Sandboxes can't be isolated on this computer (${reason}). To run their commands as plain processes with your permissions, ${consent}.`;
    } else if (rootReason) {
      this.message = `Local Modal runs as root, and can't keep root's rights from sandboxes on this computer (${rootReason}). Run it as an ordinary user. To run sandboxes with root's rights, ${consent}.`;
    } else {
      this.message = `${gvisorReason}. To isolate sandboxes without gVisor, start Local Modal with --runtime auto (in VS Code: modal.localModal.runtime).`;
    }
  }

  async start(): Promise<Container> {
    throw failedPrecondition(this.message);
  }
}
