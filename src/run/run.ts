import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerProcess, ModalClient, Sandbox } from 'modal';
import { execIdOf } from '../modal/client.ts';
import { explainError, isAccountProblem, isSandboxGone, UserError } from '../modal/errors.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import type { Folder } from '../session/folder.ts';
import type { FolderSyncs } from '../session/folder-syncs.ts';
import type { Session } from '../session/session.ts';
import type { Sessions } from '../session/sessions.ts';
import type { PreparedRun, PushResult } from '../sync/engine.ts';
import type { Ask } from '../sync/questions.ts';
import type { RunSyncOutcome } from '../sync/run-preamble.ts';
import { EXIT_WRAPPER, explainMark, runCommand } from './command.ts';
import { endCommand, resizeCommand, SIGN_OF_LIFE_MS, type TerminalSize, touchCommand } from './control.ts';
import { ExecLink } from './exec-link.ts';
import { formatBytes, formatDuration } from './format.ts';
import { OutputPacer } from './pace.ts';
import { ProgramOutput } from './program-output.ts';
import { pullOutputs } from './pull-outputs.ts';
import { CANCELLED, REMOTE_ROOT, type RunOutput, type RunRequest, type RunResult } from './request.ts';
import type { RunningCommands } from './running-commands.ts';
import { Stdin } from './stdin.ts';
import { progressLine, syncReport } from './sync-report.ts';

const INTERRUPT = '\u0003';
const RESIZE_DEBOUNCE_MS = 50;
/** 128 + 9, as Modal tells of a signal. */
const SIGKILL = 137;
/** How long is waited for word that a sandbox has ended, where its programs have. */
const END_TIMEOUT_MS = 1_000;

/** A program's end, with when it could be started and when it first spoke (`performance.now()`). */
interface Ended {
  readonly exitCode?: number;
  readonly error?: string;
  readonly syncedAt: number;
  readonly firstAt: number | undefined;
}

/** What every run works with. */
export interface RunServices {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  /** Answers what a sync does not decide by itself. */
  readonly ask: Ask;
  /** Files of a folder that are not saved: no pull writes over them. */
  unsaved?(folder: Folder): readonly string[];
  /** Shows, beside the run's own output, that something goes on for as long as the work does. */
  readonly during?: <T>(words: string, work: Promise<T>) => Promise<T>;
  /** Told what runs where. */
  readonly commands?: RunningCommands;
}

/** How often a run is prepared anew, when the sandbox holds something else than was known. */
const SYNC_ATTEMPTS = 4;

/** One run: session, sync, exec, streams, end. `done` never rejects. */
export class Run {
  readonly id = randomUUID();
  readonly done: Promise<RunResult>;
  readonly #request: RunRequest;
  readonly #services: RunServices;
  readonly #output: RunOutput;
  readonly #cancel = new AbortController();
  readonly #stdin = new Stdin();
  readonly #pacer: OutputPacer;
  #size: TerminalSize | undefined;
  #sandbox: Sandbox | undefined;
  #resizing: NodeJS.Timeout | undefined;
  #hasStarted = false;

  constructor(request: RunRequest, services: RunServices, output: RunOutput, size?: TerminalSize) {
    this.#request = request;
    this.#services = services;
    this.#output = output;
    this.#size = size;
    this.#pacer = new OutputPacer((bytes) => output.stdout(bytes), {
      skipping: (bytes) => output.progress(`Interrupted. Skipping what was printed before: ${formatBytes(bytes)}…`),
      skipped: (bytes) => output.status(`${formatBytes(bytes)} of output from before the interrupt are not shown`),
    });
    this.done = this.#run().catch((error) =>
      this.#cancel.signal.aborted
        ? { error: CANCELLED }
        : { error: explainError(error), ...(isAccountProblem(error) && { needsAccount: true }) },
    );
  }

  /** Where the program runs; absent before it does, and after. */
  get sandboxId(): string | undefined {
    return this.#sandbox?.sandboxId;
  }

  /**
   * What was typed. It is kept until the program is there; an interrupt (Ctrl+C) before that stops the run, and one after
   * it also leaves out the output that is still waiting to be shown.
   */
  write(text: string): void {
    if (text.includes(INTERRUPT)) {
      if (this.#sandbox) this.#pacer.skipAhead();
      else this.cancel();
    }
    this.#stdin.write(text);
  }

  /** The program's input ends after what was typed so far. */
  endInput(): void {
    this.#stdin.end();
  }

  /** The terminal has another size. Sizes that follow each other quickly, as while dragging, are told once. */
  resize(size: TerminalSize): void {
    this.#size = size;
    clearTimeout(this.#resizing);
    if (this.#sandbox)
      this.#resizing = setTimeout(() => void this.#control(resizeCommand(this.id, size)), RESIZE_DEBOUNCE_MS);
  }

  /** Stops whatever the run is at; a program is ended with everything it has started. */
  cancel(): void {
    this.#cancel.abort();
  }

  async #run(): Promise<RunResult> {
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      const session = await this.#untilCancelled(this.#acquire());
      try {
        const acquiredAt = performance.now();
        const { exitCode, error, syncedAt, firstAt } = await this.#execute(session);
        const endedAt = performance.now();
        const { signal } = this.#cancel;
        const failure =
          error === undefined && !signal.aborted
            ? await pullOutputs(this.#request, session, this.#services, this.#output, signal)
            : error;
        return {
          ...(exitCode !== undefined && { exitCode }),
          ...(failure !== undefined && { error: failure }),
          sandboxId: session.sandbox.sandboxId,
          timings: {
            startMs: acquiredAt - startedAt,
            syncMs: syncedAt - acquiredAt,
            ...(firstAt !== undefined && { firstOutputMs: firstAt - syncedAt }),
            runMs: endedAt - syncedAt,
          },
          ...(session.pricePerHourUsd !== undefined && {
            costUsd: (session.pricePerHourUsd * (endedAt - startedAt)) / 3_600_000,
          }),
          ...(session.profile && { profile: session.profile }),
        };
      } catch (error) {
        if (isSandboxGone(error)) await this.#services.sessions.drop(session);
        // What has run once is not run again behind its user's back.
        if (!isSandboxGone(error) || this.#request.sandboxId || this.#hasStarted) throw error;
        // A kept sandbox may have ended since the last run; one that was just started should not have.
        if (session.isNew || attempt > 0) throw error;
        this.#output.status('The sandbox has ended; starting another');
      }
    }
  }

  async #acquire(): Promise<Session> {
    const startedAt = performance.now();
    this.#output.progress('Starting a sandbox…');
    const { folder, profile, sandboxId } = this.#request;
    const { sessions } = this.#services;
    const session = await (sandboxId ? sessions.attach(sandboxId, folder) : sessions.acquire(folder, profile));
    if (session.isNew) {
      const took = formatDuration(performance.now() - startedAt);
      this.#output.status(`Started sandbox ${session.sandbox.sandboxId} on ${session.accountLabel} in ${took}`);
    }
    if (session.taken)
      this.#output.status(
        `Took the sandbox ${session.sandbox.sandboxId}, which was ${session.taken === 'warm' ? 'kept warm' : 'left behind by an earlier window'}`,
      );
    if (session.isOutdated)
      this.#output.status(
        `This sandbox is older than its profile “${session.profile}”; “Modal: Replace Sandbox” starts a new one`,
      );
    return session;
  }

  /** Syncs and starts the program with one command where the change is small, and follows the program to its end. */
  async #execute(session: Session): Promise<Ended> {
    await this.#writeCopy(session.sandbox);
    for (let attempt = 1; ; attempt += 1) {
      const sync = this.#request.sync === false ? undefined : await this.#prepareSync(session, attempt === 1);
      const ended = await this.#attempt(session.sandbox, sync);
      if (ended) return ended;
      if (attempt === SYNC_ATTEMPTS) {
        throw new UserError(
          'The workspace in the sandbox kept changing while it was synced. Stop what writes to it there, then run again.',
        );
      }
    }
  }

  async #writeCopy({ filesystem }: Sandbox): Promise<void> {
    const { copy } = this.#request;
    if (!copy) return;
    await this.#untilCancelled(filesystem.writeText(copy.content, copy.path));
    this.#output.status(copy.reason);
  }

  async #prepareSync(session: Session, isFirst: boolean): Promise<PreparedRun> {
    const { syncs, during } = this.#services;
    this.#output.progress('Syncing…');
    const preparing = syncs.of(this.#request.folder).prepareRun(session.sandbox, {
      signal: this.#cancel.signal,
      fresh: isFirst && session.isNew,
      // What the local Modal gets does not leave this machine.
      ask: (question) => (!session.isBilled && question.kind === 'first-sync') || this.#services.ask(question),
      onProgress: (progress) => this.#output.progress(progressLine(progress)),
    });
    return during ? during('Syncing…', preparing) : preparing;
  }

  /** Undefined when the sandbox turned out to hold something else than the sync was made for. */
  async #attempt(sandbox: Sandbox, sync: PreparedRun | undefined): Promise<Ended | undefined> {
    let started: { process: ContainerProcess<Uint8Array>; execId: string | undefined };
    const size = this.#request.pty === false ? undefined : this.#size;
    const { client } = await this.#services.sessions.connection();
    try {
      this.#cancel.signal.throwIfAborted();
      started = await this.#start(sandbox, sync, size);
    } catch (error) {
      await sync?.settle({ kind: 'unknown' });
      throw error;
    }
    this.#sandbox = sandbox;
    if (size && this.#size && this.#size !== size) this.resize(this.#size);
    const end = () => void this.#control(endCommand(this.id));
    this.#cancel.signal.addEventListener('abort', end, { once: true });
    if (this.#cancel.signal.aborted) end();
    const { sandboxId } = sandbox;
    const noteEnd = this.#services.commands?.add({ runId: this.id, sandboxId, label: this.#request.label });
    const signsOfLife = setInterval(() => {
      void this.#control(touchCommand(this.id));
      void this.#services.sessions.used(sandbox.sandboxId);
    }, SIGN_OF_LIFE_MS);
    try {
      return await this.#followToEnd(client, sandbox.sandboxId, started.process, started.execId, sync);
    } finally {
      clearInterval(signsOfLife);
      noteEnd?.();
      clearTimeout(this.#resizing);
      this.#sandbox = undefined;
      this.#stdin.disconnect();
      this.#cancel.signal.removeEventListener('abort', end);
    }
  }

  async #start(sandbox: Sandbox, sync: PreparedRun | undefined, size: TerminalSize | undefined) {
    const { programs, args, shellArgs, cwd, env = {}, pty = true } = this.#request;
    const wrapping = {
      runId: this.id,
      cwd: posix.resolve(REMOTE_ROOT, cwd),
      ...(sync && { sync: sync.script }),
      ...(shellArgs && { shellArgs }),
      ...(size && { size }),
    };
    const command = runCommand(programs, args, wrapping);
    const process = await sandbox.exec(command, { mode: 'binary', pty, env: { ...env } });
    return { process, execId: execIdOf(command) };
  }

  /** Follows the program, also over losses of the connection. A program that ended with its sandbox tells how that ended. */
  async #followToEnd(
    modal: ModalClient,
    sandboxId: string,
    process: ContainerProcess<Uint8Array>,
    execId: string | undefined,
    sync: PreparedRun | undefined,
  ): Promise<Ended | undefined> {
    const link = new ExecLink(process, {
      modal,
      sandboxId,
      execId,
      signal: this.#cancel.signal,
      onLost: () => this.#output.progress('The connection is lost. Trying to go on where it stopped…'),
      onBack: () => this.#output.status('Connected again'),
    });
    try {
      const ended = await this.#follow(process, link, sync);
      // A sandbox that ends kills what runs in it.
      if (ended?.exitCode === SIGKILL && !this.#cancel.signal.aborted) {
        await requireRunning(modal, sandboxId, END_TIMEOUT_MS).catch((error) => {
          if (isSandboxGone(error)) throw error;
        });
      }
      return ended;
    } finally {
      link.close();
    }
  }

  async #follow(
    process: ContainerProcess<Uint8Array>,
    link: ExecLink,
    sync: PreparedRun | undefined,
  ): Promise<Ended | undefined> {
    const output = new ProgramOutput(link.read('stdout'), sync !== undefined);
    let syncedAt = performance.now();
    const started = output.synced
      .catch((): RunSyncOutcome => ({ kind: 'unknown' }))
      .then(async (outcome) => {
        syncedAt = performance.now();
        const synced = await sync?.settle(outcome);
        if (sync && !synced) return false;
        this.#hasStarted = true;
        if (synced) this.#tellSync(synced);
        this.#stdin.connect(process.stdin, (offset, error) => link.stdin(offset, error));
        return true;
      });
    const stderr = this.#request.pty === false ? this.#copyStderr(link) : undefined;
    await this.#pacer.copy(afterStart(output.chunks(), started));
    const exitCode = await process.wait();
    await stderr;
    if (!(await started)) return undefined;
    const error = exitCode === EXIT_WRAPPER ? explainMark(output.mark, this.#request) : undefined;
    return { ...(error === undefined ? { exitCode } : { error }), syncedAt, firstAt: output.firstAt };
  }

  #tellSync(result: PushResult): void {
    if (this.#output.synced) this.#output.synced(result);
    else for (const line of syncReport(result)) this.#output.status(line);
  }

  async #copyStderr(link: ExecLink): Promise<void> {
    for await (const chunk of link.read('stderr')) this.#output.stderr(chunk);
  }

  /** Runs a control command beside the program; when it cannot be run, the sandbox is gone and the program with it. */
  async #control(command: string[]): Promise<void> {
    try {
      const process = await this.#sandbox?.exec(command, { stdout: 'ignore', stderr: 'ignore' });
      await process?.wait();
    } catch {
      // The run's own streams tell that the sandbox has ended.
    }
  }

  /** Gives up waiting as soon as the run is cancelled; what was under way ends by itself. */
  #untilCancelled<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#cancel;
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }
}

/** The program's bytes, once it is certain that it is the program that speaks. */
async function* afterStart(chunks: AsyncIterable<Uint8Array>, started: Promise<boolean>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.length > 0 && (await started)) yield chunk;
}
