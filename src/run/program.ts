import { posix } from 'node:path';
import type { ContainerProcess, ModalClient, Sandbox } from 'modal';
import { execIdOf } from '../modal/client.ts';
import { isSandboxGone } from '../modal/errors.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import type { PreparedRun, PushResult } from '../sync/engine.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { RunSyncOutcome } from '../sync/push/run-preamble.ts';
import { EXIT_WRAPPER, explainMark, runCommand } from './command.ts';
import { endCommand, heartbeatCommand, resizeCommand, type TerminalSize } from './control.ts';
import { ExecLink } from './exec-link.ts';
import type { OutputPacer } from './output-pacer.ts';
import { ProgramOutput } from './program-output.ts';
import type { RunOutput, RunRequest } from './request.ts';
import type { Stdin } from './stdin.ts';

/** 128 + 9, as Modal tells of a signal. */
const SIGKILL = 137;
/** How long is waited for word that a sandbox has ended, where its programs have. */
const END_TIMEOUT_MS = 1_000;

/** A program's end, with when it could be started and when it first spoke (`performance.now()`). */
export interface ProgramEnd {
  /** The exit code, or a message that explains why there was no program. */
  readonly end: { readonly exitCode: number } | { readonly error: string };
  readonly syncedAt: number;
  readonly firstAt: number | undefined;
}

/** What a program runs with. */
export interface ProgramOptions {
  readonly runId: string;
  readonly request: RunRequest;
  readonly output: RunOutput;
  readonly pacer: OutputPacer;
  readonly stdin: Stdin;
  /** Ends the program, with everything it has started. */
  readonly signal: AbortSignal;
  readonly modal: ModalClient;
  readonly sandbox: Sandbox;
  /** Sent and applied by the same command, before the program. */
  readonly sync: PreparedRun | undefined;
  /** The program itself begins, with what was synced until `syncedAt` (`performance.now()`). */
  onStarted(synced: PushResult | undefined, syncedAt: number): void;
}

/** Starts the program of a run, with `size` as its terminal's. Throws the SDK's errors, and the signal's reason. */
export async function startProgram(parts: ProgramOptions, size: TerminalSize | undefined): Promise<RunningProgram> {
  const { programs, args, shellArgs, cwd, env, pty } = parts.request;
  parts.signal.throwIfAborted();
  const command = runCommand(programs, args, {
    runId: parts.runId,
    cwd: posix.resolve(REMOTE_ROOT, cwd),
    ...(parts.sync && { sync: parts.sync.script }),
    shellArgs,
    ...(size && { size }),
  });
  const process = await parts.sandbox.exec(command, { mode: 'binary', pty, env: { ...env } });
  return new RunningProgram(parts, process, execIdOf(command));
}

/** One command of a sandbox that syncs, then runs a program; followed to its end, also over losses of the connection. */
export class RunningProgram {
  readonly #parts: ProgramOptions;
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #link: ExecLink;

  constructor(parts: ProgramOptions, process: ContainerProcess<Uint8Array>, execId: string | undefined) {
    this.#parts = parts;
    this.#process = process;
    const { modal, output, signal } = parts;
    this.#link = new ExecLink(process, {
      modal,
      sandboxId: this.sandboxId,
      execId,
      signal,
      onLost: () => output.progress('The connection is lost. Trying to go on where it stopped…'),
      onBack: () => output.status('Connected again'),
    });
  }

  get sandboxId(): string {
    return this.#parts.sandbox.sandboxId;
  }

  /** Its terminal has another size. */
  resize(size: TerminalSize): Promise<void> {
    return this.#control(resizeCommand(this.#parts.runId, size));
  }

  /** A sign that its window is still there, without which it ends after some minutes. */
  touch(): Promise<void> {
    return this.#control(heartbeatCommand(this.#parts.runId));
  }

  /**
   * Follows it to its end. Undefined when the sandbox turned out to hold something else than the sync was made for, so that
   * nothing was run. Throws the SDK's errors; for a program that ended with its sandbox, the one that tells how that ended.
   */
  async toEnd(): Promise<ProgramEnd | undefined> {
    const { modal, signal, runId } = this.#parts;
    const end = () => void this.#control(endCommand(runId));
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      const ended = await this.#follow();
      // A sandbox that ends kills what runs in it.
      if (ended && 'exitCode' in ended.end && ended.end.exitCode === SIGKILL && !signal.aborted) {
        await requireRunning(modal, this.sandboxId, END_TIMEOUT_MS).catch((error) => {
          if (isSandboxGone(error)) throw error;
        });
      }
      return ended;
    } finally {
      signal.removeEventListener('abort', end);
      this.#link.close();
    }
  }

  async #follow(): Promise<ProgramEnd | undefined> {
    const { request, sync, pacer } = this.#parts;
    const output = new ProgramOutput(this.#link.read('stdout'), sync !== undefined);
    let syncedAt = performance.now();
    const started = output.synced
      .catch((): RunSyncOutcome => ({ kind: 'unknown' }))
      .then((outcome) => {
        syncedAt = performance.now();
        return this.#begin(outcome, syncedAt);
      });
    const stderr = request.pty ? undefined : this.#copyStderr();
    await pacer.copy(afterStart(output.chunks(), started));
    const exitCode = await this.#process.wait();
    await stderr;
    if (!(await started)) return undefined;
    const error = exitCode === EXIT_WRAPPER ? explainMark(output.mark, request) : undefined;
    return { end: error === undefined ? { exitCode } : { error }, syncedAt, firstAt: output.firstAt };
  }

  /** The sync is over; false when the program was not started after it. */
  async #begin(outcome: RunSyncOutcome, syncedAt: number): Promise<boolean> {
    const { sync, stdin, onStarted } = this.#parts;
    const synced = await sync?.settle(outcome);
    if (sync && !synced) return false;
    onStarted(synced, syncedAt);
    stdin.connect(this.#process.stdin, (offset, error) => this.#link.stdin(offset, error));
    return true;
  }

  async #copyStderr(): Promise<void> {
    for await (const chunk of this.#link.read('stderr')) this.#parts.output.stderr(chunk);
  }

  /** Runs a control command beside the program; when it cannot be run, the sandbox is gone and the program with it. */
  async #control(command: string[]): Promise<void> {
    try {
      const process = await this.#parts.sandbox.exec(command, { stdout: 'ignore', stderr: 'ignore' });
      await process.wait();
    } catch {
      // The program's own streams tell that the sandbox has ended.
    }
  }
}

/** The program's bytes, once it is certain that it is the program that speaks. */
async function* afterStart(chunks: AsyncIterable<Uint8Array>, started: Promise<boolean>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.length > 0 && (await started)) yield chunk;
}
