import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerProcess, Sandbox } from 'modal';
import { explainError, isAccountProblem, isSandboxGone } from '../modal/errors.ts';
import { pricePerHourUsd } from '../modal/prices.ts';
import type { Session, Sessions } from '../session/sessions.ts';
import { type PushResult, push } from '../sync/push.ts';
import { EXIT_NO_PROGRAM, runCommand } from './command.ts';
import { endCommand, resizeCommand, SIGN_OF_LIFE_MS, type TerminalSize, touchCommand } from './control.ts';
import { formatBytes, formatDuration } from './format.ts';
import { OutputPacer } from './pace.ts';
import { ProgramOutput } from './program-output.ts';
import { CANCELLED, REMOTE_ROOT, type RunOutput, type RunRequest, type RunResult } from './request.ts';
import type { Program } from './runners.ts';
import { Stdin } from './stdin.ts';

const INTERRUPT = '\u0003';
const RESIZE_DEBOUNCE_MS = 50;

/** One run: session, sync, exec, streams, end. `done` never rejects. */
export class Run {
  readonly id = randomUUID();
  readonly done: Promise<RunResult>;
  readonly #request: RunRequest;
  readonly #sessions: Sessions;
  readonly #output: RunOutput;
  readonly #cancel = new AbortController();
  readonly #stdin = new Stdin();
  readonly #pacer: OutputPacer;
  #size: TerminalSize | undefined;
  #sandbox: Sandbox | undefined;
  #resizing: NodeJS.Timeout | undefined;

  constructor(request: RunRequest, sessions: Sessions, output: RunOutput, size?: TerminalSize) {
    this.#request = request;
    this.#sessions = sessions;
    this.#output = output;
    this.#size = size;
    this.#pacer = new OutputPacer(
      (bytes) => output.stdout(bytes),
      (bytes) => output.status(`${formatBytes(bytes)} of output from before the interrupt are not shown`),
    );
    this.done = this.#run().catch((error) =>
      this.#cancel.signal.aborted
        ? { error: CANCELLED }
        : { error: explainError(error), ...(isAccountProblem(error) && { needsAccount: true }) },
    );
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
        if (this.#request.sync !== false) await this.#sync(session);
        const syncedAt = performance.now();
        const ended = await this.#execute(session.sandbox);
        const { firstOutputMs, ...result } = ended;
        const endedAt = performance.now();
        return {
          ...result,
          sandboxId: session.sandbox.sandboxId,
          timings: {
            startMs: acquiredAt - startedAt,
            syncMs: syncedAt - acquiredAt,
            ...(firstOutputMs !== undefined && { firstOutputMs }),
            runMs: endedAt - syncedAt,
          },
          ...(session.isBilled && { costUsd: ((pricePerHourUsd({}) ?? 0) * (endedAt - startedAt)) / 3_600_000 }),
        };
      } catch (error) {
        if (!isSandboxGone(error)) throw error;
        await this.#sessions.drop(session);
        // A kept sandbox may have ended since the last run; one that was just started should not have.
        if (session.isNew || attempt > 0) throw error;
        this.#output.status('The sandbox has ended; starting another');
      }
    }
  }

  async #acquire(): Promise<Session> {
    const startedAt = performance.now();
    const session = await this.#sessions.acquire(this.#request.folder);
    if (session.isNew) {
      const took = formatDuration(performance.now() - startedAt);
      this.#output.status(`Started sandbox ${session.sandbox.sandboxId} on ${session.accountLabel} in ${took}`);
    }
    return session;
  }

  async #sync(session: Session): Promise<void> {
    const { signal } = this.#cancel;
    const result = await this.#untilCancelled(push(session.sandbox, session.folder.path, REMOTE_ROOT, { signal }));
    this.#output.status(syncLine(result));
    for (const { path, reason } of result.skipped.slice(0, 5)) this.#output.status(`Not synced: ${path} (${reason})`);
    if (result.skipped.length > 5) this.#output.status(`Not synced: ${result.skipped.length - 5} more`);
  }

  async #execute(sandbox: Sandbox): Promise<RunResult & { firstOutputMs?: number }> {
    const { programs, args, cwd, env = {}, pty = true } = this.#request;
    this.#cancel.signal.throwIfAborted();
    const startedAt = performance.now();
    const size = pty ? this.#size : undefined;
    const process = await sandbox.exec(runCommand(this.id, programs, args, size), {
      mode: 'binary',
      pty,
      workdir: posix.resolve(REMOTE_ROOT, cwd),
      env: { ...env },
    });
    this.#sandbox = sandbox;
    if (pty && this.#size && this.#size !== size) this.resize(this.#size);
    const end = () => void this.#control(endCommand(this.id));
    this.#cancel.signal.addEventListener('abort', end, { once: true });
    if (this.#cancel.signal.aborted) end();
    const signsOfLife = setInterval(() => void this.#control(touchCommand(this.id)), SIGN_OF_LIFE_MS);
    try {
      this.#stdin.connect(process.stdin);
      const output = new ProgramOutput(process.stdout);
      const stderr = pty ? undefined : this.#copyStderr(process);
      await this.#pacer.copy(output.chunks());
      await stderr;
      const exitCode = await process.wait();
      if (output.isNoProgramMark && exitCode === EXIT_NO_PROGRAM) return { error: missingProgram(programs) };
      return { exitCode, ...(output.firstAt !== undefined && { firstOutputMs: output.firstAt - startedAt }) };
    } finally {
      clearInterval(signsOfLife);
      clearTimeout(this.#resizing);
      this.#sandbox = undefined;
      this.#stdin.disconnect();
      this.#cancel.signal.removeEventListener('abort', end);
    }
  }

  async #copyStderr(process: ContainerProcess<Uint8Array>): Promise<void> {
    for await (const chunk of process.stderr as AsyncIterable<Uint8Array>) this.#output.stderr(chunk);
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

function syncLine({ files, bytes, durationMs }: PushResult): string {
  return `Synced ${files} ${files === 1 ? 'file' : 'files'} (${formatBytes(bytes)}) in ${formatDuration(durationMs)}`;
}

function missingProgram(programs: readonly Program[]): string {
  const names = programs.map(({ argv, label }) => label ?? argv[0]);
  const list = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return `The sandbox’s image has no ${list}. Choose an image that has it in the setting modal.image, then terminate the sandbox and run again.`;
}
