/** A container in gVisor. Commands and signals go through the sentry's control socket. */
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { notFound } from '../../grpc/status.ts';
import type { ExecStatus } from '../../grpc/wire.ts';
import type { Command, CommandSpec, Container, ContainerNetwork, ContainerSpec, Mounts } from '../container.ts';
import { OuterNamespace } from '../outer-namespace.ts';
import { killDescendants } from '../processes.ts';
import { inTerminal } from '../pty.ts';
import { connectThrough, relayCommand } from '../relay.ts';
import { tool } from '../tools.ts';
import type { Unshared } from '../unshared.ts';
import { LIFE_PIPE, SANDBOX_ID, SOCKET_NAME, STATE_FOLDER } from './bundle.ts';
import { CallRefused, Control } from './control.ts';
import { killTree } from './kill-tree.ts';
import { watchMemory } from './memory.ts';

const KILL_LIMIT_MS = 5_000;
const KILL_INTERVAL_MS = 5;

interface GvisorState extends Unshared {
  readonly spec: ContainerSpec;
  readonly network: ContainerNetwork;
  readonly dataFolder: string;
}

export class GvisorContainer implements Container {
  readonly changes: string;
  readonly pids: readonly number[];
  readonly network: ContainerNetwork;
  readonly ended: Promise<void>;
  readonly failed: Promise<void>;
  readonly #failing = Promise.withResolvers<void>();
  readonly #state: GvisorState;
  readonly #control: Control;
  readonly mounts: Mounts;
  readonly #root: number;
  isOutOfMemory = false;
  #hasEnded = false;
  /** True once its processes are killed on purpose. */
  #isQuiet = false;

  constructor(state: GvisorState) {
    const { pid, spec } = state;
    this.#state = state;
    this.network = state.network;
    this.pids = [pid];
    this.changes = join(spec.folder, 'up');
    // Kept open, because the process ID may be reused.
    const outside = `/proc/${pid}/root`;
    this.#root = openSync(`${outside}${join(spec.folder, 'root')}`, constants.O_DIRECTORY);
    const sockets = openSync(`${outside}${STATE_FOLDER}`, constants.O_DIRECTORY);
    this.#control = new Control(sockets, SOCKET_NAME);
    const namespace = { pid, hasOwnProc: true, folder: spec.folder, dataFolder: state.dataFolder };
    this.mounts = new OuterNamespace({ ...namespace, root: () => this.root });
    this.ended = state.ended.then(() => {
      this.#hasEnded = true;
      closeSync(this.#root);
      closeSync(sockets);
    });
    this.failed = Promise.race([this.ended, this.#failing.promise]);
    this.#followSentry();
    const { memoryMiB } = spec.limits;
    if (memoryMiB !== undefined) this.#limitMemory(memoryMiB);
  }

  #limitMemory(limitMiB: number): void {
    const watch = watchMemory(this.#state.pid, limitMiB, () => {
      this.isOutOfMemory = true;
      process.stderr.write(`The programs of ${this.#state.spec.folder} use more than ${limitMiB} MiB of memory\n`);
      this.#fail();
    });
    void this.ended.then(() => watch.stop());
  }

  /** Ends all processes, and keeps the files until the container is ended. */
  #fail(): void {
    this.#failing.resolve();
    void this.killProcesses();
  }

  /** Notices the end of the sentry. */
  #followSentry(): void {
    const life = openSync(join(this.#state.spec.folder, LIFE_PIPE), constants.O_RDONLY | constants.O_NONBLOCK);
    const pipe = new Socket({ fd: life, readable: true, writable: false }).resume();
    pipe.on('error', () => {});
    pipe.once('close', () => {
      // Its mounts are still needed.
      if (this.#isQuiet) return;
      process.stderr.write(`The sentry of ${this.#state.spec.folder} has ended\n`);
      this.#fail();
    });
    void this.ended.then(() => pipe.destroy());
  }

  get root(): string {
    if (this.#hasEnded) throw notFound('The container has stopped');
    return `/proc/self/fd/${this.#root}`;
  }

  async spawn({ argv, env, workdir, pty, stdio }: CommandSpec): Promise<Command> {
    if (this.#hasEnded) throw notFound('The container has stopped');
    const command = pty ? inTerminal(argv, pty) : argv;
    const envv = Object.entries(env)
      .filter(([name]) => name !== '' && !name.includes('='))
      .map(([name, value]) => `${name}=${value}`);
    const execute = (args: readonly string[], wd: string) =>
      this.#control.callWith(stdio, ...this.#execution(args, envv, wd));
    const pid = await execute(command, workdir).catch((error) => {
      if (!(error instanceof CallRefused)) throw error;
      // There is no such program or folder, or the program is a script for a shell. `env` knows what to do and say.
      return execute([tool('env'), `--chdir=${workdir}`, '--', ...command], '/');
    });
    return { exited: this.#exitOf(pid), kill: () => this.#kill(pid) };
  }

  /** Returns the call that starts a command with the three descriptors that are passed with it as its stdio. */
  #execution(argv: readonly string[], envv: readonly string[], wd: string) {
    const process = { argv, envv, wd, ContainerID: SANDBOX_ID, GuestFDs: [0, 1, 2] };
    return ['containerManager.ExecuteAsync', process, z.number()] as const;
  }

  /** Kills a command. If the sentry doesn't do that, ends the container. */
  #kill(pid: number): void {
    killTree(this.#control, pid).catch(() => void this.kill());
  }

  async #exitOf(pid: number): Promise<ExecStatus> {
    const waiting = this.#control.call('containerManager.WaitPID', { PID: pid, CID: SANDBOX_ID }, z.number());
    const status = await waiting.catch(() => 9);
    const signal = status & 0x7f;
    return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
  }

  async connect(port: number): Promise<Duplex> {
    if (this.network.connect) return this.network.connect(port);
    const [method, process] = this.#execution(relayCommand(port), [], '/');
    return connectThrough(this.#control.start(SANDBOX_ID, method, process));
  }

  async killProcesses(): Promise<void> {
    this.#isQuiet = true;
    const deadline = performance.now() + KILL_LIMIT_MS;
    while (!this.#hasEnded && killDescendants(this.#state.pid) && performance.now() < deadline) {
      await pause(KILL_INTERVAL_MS);
    }
  }

  async kill(): Promise<void> {
    this.#isQuiet = true;
    try {
      if (!this.#hasEnded) process.kill(this.#state.pid, 'SIGKILL');
    } catch {
      // It has already exited.
    }
    await Promise.race([this.ended, pause(KILL_LIMIT_MS, undefined, { ref: false })]);
  }
}
