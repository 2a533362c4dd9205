/** A running sandbox: its containers, its commands, and its timeouts. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from '../execs/exec.ts';
import { alreadyExists, failedPrecondition, notFound } from '../grpc/status.ts';
import { EndStatus, LogStream, type SandboxDefinition } from '../grpc/wire.ts';
import { type EndResult, nowSecs, type SandboxRecord } from '../state/store.ts';
import { LogBook } from './log-book.ts';
import { exitCodeOf, MAIN_CONTAINER, type SandboxContainer } from './sandbox-container.ts';

/** The last changes of large volumes take minutes to commit, and the removal of many files nearly as long. */
const SAVE_LIMIT_MS = 10 * 60_000;
const REMOVAL_LIMIT_MS = 2 * 60_000;

/** The time for which the output of a command can be read after it has exited: longer than clients try to reconnect. */
const OUTPUT_RETENTION_MS = 10 * 60_000;
/** The maximum number of commands that have exited whose output can be read, and of their bytes. */
const MAX_FINISHED_EXECS = 500;
const MAX_FINISHED_BYTES = 512 * 1024 * 1024;

/** A container in addition to the main one. */
export interface Sidecar {
  readonly id: string;
  readonly name: string;
  readonly container: SandboxContainer;
  result: EndResult | undefined;
  /** Resolves when it has stopped. */
  readonly ended: Promise<void>;
}

/** Called while a sandbox is stopping. */
export interface StopHooks {
  /** The processes have stopped, and the files still exist. */
  beforeRemoval(sandbox: Sandbox): Promise<void>;
  afterStop(sandbox: Sandbox): Promise<void>;
}

export class Sandbox {
  readonly record: SandboxRecord;
  readonly definition: SandboxDefinition;
  /** The host folder for all files of this sandbox. */
  readonly folder: string;
  /** Resolves when the sandbox has stopped, including all of its processes. */
  readonly ended: Promise<EndResult>;
  readonly execs = new Map<string, Promise<Exec>>();
  /** Those that have exited, oldest first. */
  readonly #finished = new Map<string, Exec>();
  readonly sidecars = new Map<string, Sidecar>();
  /** The output of the entrypoint, by line. */
  readonly log = new LogBook();
  #main: SandboxContainer | undefined;
  readonly #hooks: StopHooks;
  #settle: (result: EndResult) => void = () => {};
  #settled = false;
  #finishing: Promise<void> | undefined;
  #lifetime: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #activities = 0;

  constructor(record: SandboxRecord, definition: SandboxDefinition, folder: string, hooks: StopHooks) {
    this.record = record;
    this.definition = definition;
    this.folder = folder;
    this.#hooks = hooks;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** True from creation until the sandbox starts to stop. */
  get running(): boolean {
    return this.record.result === undefined;
  }

  /** True while the sandbox is stopping: it has a result, but its processes may still exist. */
  get stopping(): boolean {
    return !this.running && !this.#settled;
  }

  /** The host process IDs of the containers themselves. */
  get pids(): readonly number[] {
    return this.allContainers().flatMap(({ setup }) => [...setup.container.pids]);
  }

  allContainers(): SandboxContainer[] {
    const sidecars = [...this.sidecars.values()].filter(({ result }) => !result);
    return [...(this.#main ? [this.#main] : []), ...sidecars.map(({ container }) => container)];
  }

  /** Returns a running container by its ID; '' is the main one. Throws NOT_FOUND. */
  container(id = ''): SandboxContainer {
    if (!this.running || !this.#main) throw notFound(`Sandbox ${this.record.id} is not running`);
    if (id === '' || id === MAIN_CONTAINER) return this.#main;
    const sidecar = this.sidecars.get(id);
    if (!sidecar || sidecar.result) throw notFound(`Container ${id} is not running`);
    return sidecar.container;
  }

  /** Starts the entrypoint and the timeouts. */
  async begin(main: SandboxContainer): Promise<void> {
    this.#main = main;
    this.record.startedAt = nowSecs();
    const { container } = main.setup;
    void container.failed.then(() =>
      this.finish(container.isOutOfMemory ? OUT_OF_MEMORY : endResult(EndStatus.terminated)),
    );
    this.#lifetime = setTimeout(
      () => this.finish(endResult(EndStatus.timeout)),
      Math.max(0, (this.record.createdAt + this.record.timeoutSecs - nowSecs()) * 1000),
    );
    const argv = this.definition.entrypointArgs;
    if (argv.length > 0) {
      const entrypoint = await main.startEntrypoint(argv, this.definition.ptyInfo);
      this.log.follow(entrypoint.stdout, LogStream.stdout);
      this.log.follow(entrypoint.stderr, LogStream.stderr);
      void entrypoint.ended.then((status) => {
        const exitcode = exitCodeOf(status);
        return this.finish(endResult(exitcode === 0 ? EndStatus.success : EndStatus.failure, exitcode));
      });
    }
    this.touch();
  }

  /**
   * Starts a command, which counts as activity until it exits. Repeated calls with the same `execId` start it only once. If
   * `start` throws, the ID can be used again.
   */
  async run(execId: string, start: () => Promise<Exec>): Promise<Exec> {
    const known = this.execs.get(execId);
    if (known) return known;
    if (!/^[\w-]{1,128}$/.test(execId))
      throw failedPrecondition('Exec ID must be made of letters, digits, underscores, and dashes');
    const starting = start();
    this.execs.set(execId, starting);
    this.beginActivity();
    const end = () => this.endActivity();
    starting.then(
      (exec) =>
        exec.ended.then(() => {
          end();
          this.#finished.set(execId, exec);
          setTimeout(() => this.#forget(execId, exec), OUTPUT_RETENTION_MS).unref();
          this.#forgetOldest();
        }),
      () => {
        this.execs.delete(execId);
        end();
      },
    );
    return starting;
  }

  /** Makes room for the output of the latest commands, except for output that is being read. */
  #forgetOldest(): void {
    let bytes = [...this.#finished.values()].reduce((sum, { keptBytes }) => sum + keptBytes, 0);
    for (const [execId, exec] of [...this.#finished].slice(0, -1)) {
      if (this.#finished.size <= MAX_FINISHED_EXECS && bytes <= MAX_FINISHED_BYTES) return;
      if (exec.isRead) continue;
      bytes -= exec.keptBytes;
      this.#forget(execId, exec);
    }
  }

  #forget(execId: string, exec: Exec): void {
    if (!this.#finished.delete(execId)) return;
    this.execs.delete(execId);
    void exec.dispose();
  }

  /** Returns a command. Throws NOT_FOUND, even if only its output has expired. */
  async execWithId(execId: string): Promise<Exec> {
    const exec = this.execs.get(execId);
    if (!exec) throw notFound(`Exec ${execId} not found`);
    return exec;
  }

  /** Reports the start of an activity, such as a command or a connection. */
  beginActivity(): void {
    this.#activities++;
    this.touch();
  }

  /** Reports the end of an activity. */
  endActivity(): void {
    this.#activities--;
    this.touch();
  }

  /** Restarts the idle timeout, or pauses it during an activity. */
  touch(): void {
    clearTimeout(this.#idle);
    const { idleTimeoutSecs } = this.record;
    if (!idleTimeoutSecs || this.#activities > 0 || !this.running) return;
    this.#idle = setTimeout(() => this.finish(endResult(EndStatus.idleTimeout)), idleTimeoutSecs * 1000);
  }

  /** Throws FAILED_PRECONDITION if the sandbox has a name or has stopped. */
  assertNameable(): void {
    if (!this.running) throw failedPrecondition(`Sandbox ${this.record.id} has already finished`);
    if (this.record.name) throw failedPrecondition(`Sandbox ${this.record.id} is already named '${this.record.name}'`);
  }

  /** Stops the sandbox with this result, unless it is stopping already. Resolves when none of its processes is left. */
  finish(result: EndResult): Promise<void> {
    this.#finishing ??= this.#finish(result);
    return this.#finishing;
  }

  async #finish(result: EndResult): Promise<void> {
    clearTimeout(this.#lifetime);
    clearTimeout(this.#idle);
    const containers = this.allContainers().map(({ setup }) => setup.container);
    this.record.finishedAt = nowSecs();
    this.record.result = result;
    await Promise.all(containers.map((container) => container.killProcesses()));
    await this.#step('save', SAVE_LIMIT_MS, this.#hooks.beforeRemoval(this));
    await Promise.all(containers.map((container) => container.kill()));
    // The processes are gone. The remaining commands are file operations that run in the server.
    for (const exec of this.execs.values()) void exec.then((running) => running.kill()).catch(() => {});
    await this.#step('remove', REMOVAL_LIMIT_MS, this.#hooks.afterStop(this));
    this.#settled = true;
    this.#settle(result);
  }

  /** Waits for a step of the end. A step that fails or takes too long is logged, and the sandbox ends anyway. */
  async #step(name: string, limitMs: number, step: Promise<void>): Promise<void> {
    const limit = pause(limitMs, undefined, { ref: false }).then(() => {
      throw new Error(`still running after ${limitMs / 1000} seconds`);
    });
    await Promise.race([step, limit]).catch((error) =>
      process.stderr.write(`Could not ${name} the files of sandbox ${this.record.id}: ${error}\n`),
    );
  }
}

/** Modal ends a container that exceeds its memory limit as the kernel does, with SIGKILL. */
const OUT_OF_MEMORY: EndResult = {
  status: EndStatus.failure,
  exitcode: 137,
  exception: 'The sandbox ran out of memory',
};

/** Creates the result of a sandbox. */
export function endResult(status: EndStatus, exitcode = 0, exception = ''): EndResult {
  return { status, exitcode, exception };
}

/** Throws ALREADY_EXISTS if a running sandbox in the same app has this name. */
export function assertNameFree(sandboxes: Iterable<SandboxRecord>, appId: string, name: string): void {
  for (const other of sandboxes) {
    if (other.appId === appId && other.name === name && !other.result) {
      throw alreadyExists(`Sandbox with name '${name}' already exists in this app`);
    }
  }
}
