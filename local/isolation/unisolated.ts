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
import { killDescendants } from './processes.ts';
import { connectToHost } from './relay.ts';

export class Unisolated implements Isolation {
  async start({ folder }: ContainerSpec): Promise<Container> {
    const root = join(folder, 'up', 'root');
    await mkdir(root, { recursive: true });
    return new PlainFolder(root);
  }
}

class PlainFolder implements Container {
  readonly root: string;
  readonly changes: string;
  readonly pids: readonly number[] = [];
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  readonly #commands = new Set<Command>();

  constructor(root: string) {
    this.root = root;
    this.changes = dirname(root);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    if (pty) throw failedPrecondition('Terminals are not available without isolation');
    const [program = '', ...args] = argv;
    const cwd = join(this.root, resolve('/', workdir));
    await mkdir(cwd, { recursive: true });
    const HOME = join(this.root, env.HOME ?? 'root');
    const child = spawn(program, args, { cwd, env: { ...env, HOME }, detached: true, stdio: [...stdio] });
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
    const command = { child, kill };
    this.#commands.add(command);
    child.once('exit', () => this.#commands.delete(command));
    return command;
  }

  connect(port: number): Promise<Duplex> {
    return connectToHost(port);
  }

  async killProcesses(): Promise<void> {
    const ends = [...this.#commands].map(({ child }) => once(child, 'exit'));
    for (const command of this.#commands) command.kill();
    await Promise.all(ends);
  }

  async kill(): Promise<void> {
    await this.killProcesses();
    this.#end();
  }

  copyOut(): Promise<void> {
    return this.mount();
  }

  async mount(): Promise<void> {
    throw failedPrecondition('Mounts, volumes, and snapshots are not available without isolation');
  }

  unmount(): Promise<void> {
    return this.mount();
  }
}

/** Rejects every sandbox with instructions for running it without isolation. */
export class IsolationUnavailable implements Isolation {
  readonly #message: string;

  /** `reason` is why there are no containers at all, and `rootReason` why they would have root's rights. */
  constructor({ reason, rootReason }: { reason: string | undefined; rootReason: string | undefined }) {
    const consent = 'start Local Modal with --allow-unisolated (in VS Code: modal.localModal.allowUnisolated)';
    this.#message = reason
      ? `Sandboxes can't be isolated on this computer (${reason}). To run their commands as plain processes with your permissions, ${consent}.`
      : `Local Modal runs as root, and can't keep root's rights from sandboxes on this computer (${rootReason}). Run it as an ordinary user. To run sandboxes with root's rights, ${consent}.`;
  }

  async start(): Promise<Container> {
    throw failedPrecondition(this.#message);
  }
}
