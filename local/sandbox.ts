/** A running sandbox: its container, its entrypoint, its execs, its clocks. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Exec, type ExecSpec } from './exec.ts';
import type { Container } from './isolation/container.ts';
import type { Pipes } from './pipes.ts';
import { alreadyExists, failedPrecondition, notFound } from './status.ts';
import { type EndResult, nowSecs, type SandboxRecord } from './store.ts';
import { EndStatus, type SandboxDefinition } from './wire.ts';

/** What a process of the sandbox gets unless its exec says otherwise. */
export interface ProcessDefaults {
  env: Readonly<Record<string, string>>;
  workdir: string;
}

export class Sandbox {
  readonly record: SandboxRecord;
  readonly definition: SandboxDefinition;
  readonly defaults: ProcessDefaults;
  readonly folder: string;
  /** Settles when the sandbox has ended, with all of its processes. */
  readonly ended: Promise<EndResult>;
  entrypoint: Exec | undefined;
  readonly execs = new Map<string, Promise<Exec>>();
  #container: Container | undefined;
  readonly #pipes: Pipes;
  readonly #onEnd: (sandbox: Sandbox) => Promise<void>;
  #settle: (result: EndResult) => void = () => {};
  #settled = false;
  #finishing: Promise<void> | undefined;
  #lifetime: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #active = 0;

  constructor(
    parts: { record: SandboxRecord; definition: SandboxDefinition; defaults: ProcessDefaults; folder: string },
    pipes: Pipes,
    onEnd: (sandbox: Sandbox) => Promise<void>,
  ) {
    this.record = parts.record;
    this.definition = parts.definition;
    this.defaults = parts.defaults;
    this.folder = parts.folder;
    this.#pipes = pipes;
    this.#onEnd = onEnd;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** True from creation until it is known how it ended. */
  get running(): boolean {
    return this.record.result === undefined;
  }

  /** True while it is known how it ends, but its processes are not gone yet. */
  get ending(): boolean {
    return !this.running && !this.#settled;
  }

  /** @throws NOT_FOUND unless it runs */
  get container(): Container {
    if (!this.#container || !this.running) throw notFound(`Sandbox ${this.record.id} is not running`);
    return this.#container;
  }

  /** Processes on this machine that are the container itself. */
  get pids(): readonly number[] {
    return this.#container?.pids ?? [];
  }

  /** Puts the sandbox to work in its container. */
  async begin(container: Container): Promise<void> {
    this.#container = container;
    this.record.startedAt = nowSecs();
    void container.ended.then(() => this.finish({ status: EndStatus.terminated, exitcode: 0, exception: '' }));
    this.#lifetime = setTimeout(
      () => this.finish({ status: EndStatus.timeout, exitcode: 0, exception: '' }),
      Math.max(0, (this.record.createdAt + this.record.timeoutSecs - nowSecs()) * 1000),
    );
    await mkdir(path.join(this.folder, 'spool'), { recursive: true });
    const argv = this.definition.entrypointArgs;
    if (argv.length > 0) await this.#startEntrypoint(argv);
    this.touch();
  }

  async #startEntrypoint(argv: readonly string[]): Promise<void> {
    const pty = this.definition.ptyInfo;
    const entrypoint = await this.#launch('entrypoint', {
      argv,
      ...this.defaults,
      pty: pty?.enabled ? { rows: pty.winszRows, cols: pty.winszCols } : undefined,
      keep: { stdout: true, stderr: true },
    });
    this.entrypoint = entrypoint;
    void entrypoint.ended.then(({ code, signal }) => {
      const exitcode = signal === undefined ? (code ?? 0) : 128 + signal;
      return this.finish({ status: exitcode === 0 ? EndStatus.success : EndStatus.failure, exitcode, exception: '' });
    });
  }

  #launch(name: string, spec: ExecSpec): Promise<Exec> {
    return Exec.start(this.container, this.#pipes, path.join(this.folder, 'spool', name), spec, () => this.touch());
  }

  /**
   * Starts a command, once per `execId` however often it is asked.
   * @throws NOT_FOUND when the sandbox does not run
   */
  async exec(execId: string, spec: ExecSpec): Promise<Exec> {
    return this.run(execId, () => this.#launch(execId, spec));
  }

  /** Like `exec`, for commands started in another way. */
  async run(execId: string, start: () => Promise<Exec>): Promise<Exec> {
    const known = this.execs.get(execId);
    if (known) return known;
    if (!/^[\w-]{1,128}$/.test(execId)) throw failedPrecondition('An exec id is made of letters, digits and dashes');
    const starting = start();
    this.execs.set(execId, starting);
    this.enter();
    const leave = () => this.leave();
    starting.then(
      (exec) => exec.ended.then(leave),
      () => {
        this.execs.delete(execId);
        leave();
      },
    );
    return starting;
  }

  /** @throws NOT_FOUND */
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
    this.#idle = setTimeout(
      () => this.finish({ status: EndStatus.idleTimeout, exitcode: 0, exception: '' }),
      idleTimeoutSecs * 1000,
    );
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
    this.record.finishedAt = nowSecs();
    this.record.result = result;
    await this.#container?.kill();
    await this.#onEnd(this);
    this.#settled = true;
    this.#settle(result);
  }
}

/** @throws ALREADY_EXISTS when a running sandbox of the same app has the name */
export function assertNameFree(sandboxes: Iterable<SandboxRecord>, appId: string, name: string): void {
  for (const other of sandboxes) {
    if (other.appId === appId && other.name === name && !other.result) {
      throw alreadyExists(`Sandbox with name '${name}' already exists in this app`);
    }
  }
}
