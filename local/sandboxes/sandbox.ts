/** A running sandbox: its containers, its execs, its clocks. */
import type { Exec } from '../execs/exec.ts';
import { alreadyExists, failedPrecondition, notFound } from '../grpc/status.ts';
import { EndStatus, LogStream, type SandboxDefinition } from '../grpc/wire.ts';
import { type EndResult, nowSecs, type SandboxRecord } from '../state/store.ts';
import { LogBook } from './log-book.ts';
import { exitCodeOf, MAIN_CONTAINER, type SandboxContainer } from './sandbox-container.ts';

/** How long the output of a command stays readable after its end. */
const OUTPUT_RETENTION_MS = 60 * 60_000;

/** A container beside the main one. */
export interface Sidecar {
  readonly id: string;
  readonly name: string;
  readonly container: SandboxContainer;
  result: EndResult | undefined;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

/** What is done around the end of a sandbox. */
export interface EndSteps {
  /** Its processes are stopped, its files are still there. */
  beforeGone(sandbox: Sandbox): Promise<void>;
  afterGone(sandbox: Sandbox): Promise<void>;
}

export class Sandbox {
  readonly record: SandboxRecord;
  readonly definition: SandboxDefinition;
  /** Folder on this machine for everything of this sandbox. */
  readonly folder: string;
  /** Settles when the sandbox has ended, with all of its processes. */
  readonly ended: Promise<EndResult>;
  readonly execs = new Map<string, Promise<Exec>>();
  readonly sidecars = new Map<string, Sidecar>();
  /** What the entrypoint wrote, line by line. */
  readonly log = new LogBook();
  #main: SandboxContainer | undefined;
  readonly #steps: EndSteps;
  #settle: (result: EndResult) => void = () => {};
  #settled = false;
  #finishing: Promise<void> | undefined;
  #lifetime: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #active = 0;

  constructor(record: SandboxRecord, definition: SandboxDefinition, folder: string, steps: EndSteps) {
    this.record = record;
    this.definition = definition;
    this.folder = folder;
    this.#steps = steps;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** True from creation until it is known how it ends. */
  get running(): boolean {
    return this.record.result === undefined;
  }

  /** True while it is known how it ends, but its processes are not gone yet. */
  get ending(): boolean {
    return !this.running && !this.#settled;
  }

  /** Processes on this machine that are the containers themselves. */
  get pids(): readonly number[] {
    return this.allContainers().flatMap(({ parts }) => [...parts.container.pids]);
  }

  allContainers(): SandboxContainer[] {
    const sidecars = [...this.sidecars.values()].filter(({ result }) => !result);
    return [...(this.#main ? [this.#main] : []), ...sidecars.map(({ container }) => container)];
  }

  /**
   * The container with this id, '' being the main one.
   * @throws NOT_FOUND when it does not run
   */
  container(id = ''): SandboxContainer {
    if (!this.running || !this.#main) throw notFound(`Sandbox ${this.record.id} is not running`);
    if (id === '' || id === MAIN_CONTAINER) return this.#main;
    const sidecar = this.sidecars.get(id);
    if (!sidecar || sidecar.result) throw notFound(`Container ${id} is not running`);
    return sidecar.container;
  }

  /** Puts the sandbox to work in its container. */
  async begin(main: SandboxContainer): Promise<void> {
    this.#main = main;
    this.record.startedAt = nowSecs();
    void main.parts.container.ended.then(() => this.finish(ending(EndStatus.terminated)));
    this.#lifetime = setTimeout(
      () => this.finish(ending(EndStatus.timeout)),
      Math.max(0, (this.record.createdAt + this.record.timeoutSecs - nowSecs()) * 1000),
    );
    const argv = this.definition.entrypointArgs;
    if (argv.length > 0) {
      const entrypoint = await main.startEntrypoint(argv, this.definition.ptyInfo);
      this.log.follow(entrypoint.stdout, LogStream.stdout);
      this.log.follow(entrypoint.stderr, LogStream.stderr);
      void entrypoint.ended.then((status) => {
        const exitcode = exitCodeOf(status);
        return this.finish(ending(exitcode === 0 ? EndStatus.success : EndStatus.failure, exitcode));
      });
    }
    this.touch();
  }

  /**
   * Starts a command, once per `execId` however often it is asked. It counts as activity until its end.
   * @throws what `start` throws, and then the id is free again
   */
  async run(execId: string, start: () => Promise<Exec>): Promise<Exec> {
    const known = this.execs.get(execId);
    if (known) return known;
    if (!/^[\w-]{1,128}$/.test(execId)) throw failedPrecondition('An exec id is made of letters, digits and dashes');
    const starting = start();
    this.execs.set(execId, starting);
    this.enter();
    const leave = () => this.leave();
    starting.then(
      (exec) =>
        exec.ended.then(() => {
          leave();
          setTimeout(() => this.#forget(execId, exec), OUTPUT_RETENTION_MS).unref();
        }),
      () => {
        this.execs.delete(execId);
        leave();
      },
    );
    return starting;
  }

  #forget(execId: string, exec: Exec): void {
    this.execs.delete(execId);
    void exec.dispose();
  }

  /** @throws NOT_FOUND, also a long while after its end */
  async execWithId(execId: string): Promise<Exec> {
    const exec = this.execs.get(execId);
    if (!exec) throw notFound(`Exec ${execId} not found`);
    return exec;
  }

  /** Something that counts as activity begins: an exec, a connection. */
  enter(): void {
    this.#active++;
    this.touch();
  }

  leave(): void {
    this.#active--;
    this.touch();
  }

  /** Starts the idle clock anew, or stops it while something is active. */
  touch(): void {
    clearTimeout(this.#idle);
    const { idleTimeoutSecs } = this.record;
    if (!idleTimeoutSecs || this.#active > 0 || !this.running) return;
    this.#idle = setTimeout(() => this.finish(ending(EndStatus.idleTimeout)), idleTimeoutSecs * 1000);
  }

  /** @throws FAILED_PRECONDITION when it has a name or has ended */
  assertNameable(): void {
    if (!this.running) throw failedPrecondition(`Sandbox ${this.record.id} has already finished`);
    if (this.record.name) throw failedPrecondition(`Sandbox ${this.record.id} is already named '${this.record.name}'`);
  }

  /** Ends the sandbox with this result, unless it has ended already. Settles when no process of it is left. */
  finish(result: EndResult): Promise<void> {
    this.#finishing ??= this.#finish(result);
    return this.#finishing;
  }

  async #finish(result: EndResult): Promise<void> {
    clearTimeout(this.#lifetime);
    clearTimeout(this.#idle);
    const containers = this.allContainers().map(({ parts }) => parts.container);
    this.record.finishedAt = nowSecs();
    this.record.result = result;
    await Promise.all(containers.map((container) => container.quiet()));
    await this.#steps.beforeGone(this).catch(() => {});
    await Promise.all(containers.map((container) => container.kill()));
    // The processes are gone; what is left are operations that this server carries out itself.
    for (const exec of this.execs.values()) void exec.then((running) => running.kill()).catch(() => {});
    await this.#steps.afterGone(this);
    this.#settled = true;
    this.#settle(result);
  }
}

/** A result as it is kept. */
export function ending(status: EndStatus, exitcode = 0, exception = ''): EndResult {
  return { status, exitcode, exception };
}

/** @throws ALREADY_EXISTS when a running sandbox of the same app has the name */
export function assertNameFree(sandboxes: Iterable<SandboxRecord>, appId: string, name: string): void {
  for (const other of sandboxes) {
    if (other.appId === appId && other.name === name && !other.result) {
      throw alreadyExists(`Sandbox with name '${name}' already exists in this app`);
    }
  }
}
