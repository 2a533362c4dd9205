/**
 * No isolation at all, for machines without namespaces and only after the user's word: plain processes of this user, that
 * see the whole machine. Each sandbox has a folder, in which relative paths and HOME lead.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { failedPrecondition } from '../grpc/status.ts';
import type { Command, CommandSpec, Container, ContainerSpec, Isolation } from './container.ts';
import { killBelow } from './processes.ts';
import { connectHere } from './relay.ts';

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
    if (pty) throw failedPrecondition('There are no terminals without isolation');
    const [program = '', ...args] = argv;
    const cwd = join(this.root, resolve('/', workdir));
    await mkdir(cwd, { recursive: true });
    const HOME = join(this.root, env.HOME ?? 'root');
    const child = spawn(program, args, { cwd, env: { ...env, HOME }, detached: true, stdio: [...stdio] });
    await once(child, 'spawn');
    const kill = () => {
      if (!child.pid) return;
      killBelow(child.pid);
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const command = { child, kill };
    this.#commands.add(command);
    child.once('exit', () => this.#commands.delete(command));
    return command;
  }

  connect(port: number): Promise<Duplex> {
    return connectHere(port);
  }

  async quiet(): Promise<void> {
    const ends = [...this.#commands].map(({ child }) => once(child, 'exit'));
    for (const command of this.#commands) command.kill();
    await Promise.all(ends);
  }

  async kill(): Promise<void> {
    await this.quiet();
    this.#end();
  }

  copyOut(): Promise<void> {
    return this.mount();
  }

  async mount(): Promise<void> {
    throw failedPrecondition('Without isolation there are no mounts, volumes and snapshots');
  }

  unmount(): Promise<void> {
    return this.mount();
  }
}

/** Refuses every command, and says how to have them. */
export class Refusing implements Isolation {
  readonly #why: string;

  constructor(why: string) {
    this.#why = why;
  }

  async start(): Promise<Container> {
    throw failedPrecondition(
      `Sandboxes cannot be isolated on this machine (${this.#why}). Start the local Modal with --allow-unisolated to run their commands as plain processes of yours.`,
    );
  }
}
