import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerProcess, Sandbox } from 'modal';
import { explainError, isAccountProblem, isSandboxGone } from '../modal/errors.ts';
import type { Folder, Session, Sessions } from '../session/sessions.ts';
import { type PushResult, push } from '../sync/push.ts';
import { EXIT_NO_PROGRAM, NO_PROGRAM_MARK, runCommand } from './command.ts';
import { endCommand, resizeCommand, SIGN_OF_LIFE_MS, type TerminalSize, touchCommand } from './control.ts';
import { formatBytes, formatSeconds } from './format.ts';
import { OutputPacer } from './pace.ts';
import type { Program } from './runners.ts';
import { Stdin } from './stdin.ts';

/** Where a folder lies in its sandbox. */
export const REMOTE_ROOT = '/workspace';

/** Everything that decides a run. Every way to start one builds this and hands it to `Run`. */
export interface RunRequest {
  readonly folder: Folder;
  /** What people call it; names its terminal. */
  readonly label: string;
  /** The programs that can run it, in the order of preference. */
  readonly programs: readonly Program[];
  /** The rest of the command line, after the program's own arguments. */
  readonly args: readonly string[];
  /** Where it starts, relative to the folder, with `/`; `''` is the folder itself. */
  readonly cwd: string;
}

/** How a run ended. `error` is a sentence for people; then the program was not started, or was lost. */
export interface RunResult {
  readonly exitCode?: number;
  readonly error?: string;
  /** The error is one that choosing another account can mend. */
  readonly needsAccount?: boolean;
}

/** Where a run's words go. */
export interface RunOutput {
  /** A line of our own about what happens. */
  status(line: string): void;
  /** The program's bytes, as they come. */
  write(bytes: Uint8Array): void;
}

/** The `error` of a run that the user has stopped before its program could end. */
export const CANCELLED = 'Cancelled.';
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
      (bytes) => output.write(bytes),
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
    const { folder } = this.#request;
    for (let attempt = 0; ; attempt += 1) {
      const session = await this.#untilCancelled(this.#acquire(folder));
      try {
        await this.#sync(session);
        return await this.#execute(session.sandbox);
      } catch (error) {
        if (!isSandboxGone(error)) throw error;
        await this.#sessions.drop(session);
        // A kept sandbox may have ended since the last run; one that was just started should not have.
        if (session.isNew || attempt > 0) throw error;
        this.#output.status('The sandbox has ended; starting another');
      }
    }
  }

  async #acquire(folder: Folder): Promise<Session> {
    const startedAt = performance.now();
    const session = await this.#sessions.acquire(folder);
    if (session.isNew) {
      const { account } = await this.#sessions.connection();
      this.#output.status(
        `Started sandbox ${session.sandbox.sandboxId} on ${account.label} in ${formatSeconds(performance.now() - startedAt)}`,
      );
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

  async #execute(sandbox: Sandbox): Promise<RunResult> {
    const { programs, args, cwd } = this.#request;
    this.#cancel.signal.throwIfAborted();
    const size = this.#size;
    const process = await sandbox.exec(runCommand(this.id, programs, args, size), {
      mode: 'binary',
      pty: true,
      workdir: posix.join(REMOTE_ROOT, cwd),
    });
    this.#sandbox = sandbox;
    if (this.#size && this.#size !== size) this.resize(this.#size);
    const end = () => void this.#control(endCommand(this.id));
    this.#cancel.signal.addEventListener('abort', end, { once: true });
    if (this.#cancel.signal.aborted) end();
    const signsOfLife = setInterval(() => void this.#control(touchCommand(this.id)), SIGN_OF_LIFE_MS);
    try {
      this.#stdin.connect(process.stdin);
      const onlyMark = await this.#copyOutput(process);
      const exitCode = await process.wait();
      if (onlyMark && exitCode === EXIT_NO_PROGRAM) return { error: missingProgram(programs) };
      return { exitCode };
    } finally {
      clearInterval(signsOfLife);
      clearTimeout(this.#resizing);
      this.#sandbox = undefined;
      this.#stdin.disconnect();
      this.#cancel.signal.removeEventListener('abort', end);
    }
  }

  /** Passes output on as it comes. Resolves true when there was nothing but the wrapper's mark. */
  async #copyOutput(process: ContainerProcess<Uint8Array>): Promise<boolean> {
    const mark = Buffer.from(NO_PROGRAM_MARK);
    let isOnlyMark = false;
    async function* withoutMark(): AsyncGenerator<Uint8Array> {
      let held: Buffer | undefined = Buffer.alloc(0);
      for await (const chunk of process.stdout as AsyncIterable<Uint8Array>) {
        if (!held) {
          yield chunk;
          continue;
        }
        held = Buffer.concat([held, chunk]);
        if (mark.subarray(0, held.length).equals(held)) continue;
        yield held;
        held = undefined;
      }
      isOnlyMark = held?.equals(mark) ?? false;
      if (held && !isOnlyMark) yield held;
    }
    await this.#pacer.copy(withoutMark());
    return isOnlyMark;
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
  return `Synced ${files} ${files === 1 ? 'file' : 'files'} (${formatBytes(bytes)}) in ${Math.round(durationMs)} ms`;
}

function missingProgram(programs: readonly Program[]): string {
  const names = programs.map(({ argv, label }) => label ?? argv[0]);
  const list = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return `The sandbox’s image has no ${list}. Choose an image that has it in the setting modal.image, then terminate the sandbox and run again.`;
}
