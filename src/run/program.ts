import { posix } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { ContainerProcess, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { execIdOf } from '../modal/client.ts';
import { isSandboxGone } from '../modal/errors.ts';
import { inTime, QUIET_MS } from '../modal/exec.ts';
import { ExecLink } from '../modal/exec-link.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import { heartbeatCommand, keepCommand } from '../modal/watchdog.ts';
import type { PreparedRun, PushResult } from '../sync/engine.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { RunSyncOutcome } from '../sync/push/run-preamble.ts';
import { EXIT_WRAPPER, explainMark, type LateOptions, type NotRun, prepareCommand } from './command.ts';
import { endCommand, resizeCommand, type TerminalSize } from './control.ts';
import type { OutputPacer } from './output-pacer.ts';
import { ProgramOutput } from './program-output.ts';
import type { RunOutput, RunRequest } from './request.ts';
import { signalOf } from './result.ts';
import type { Stdin } from './stdin.ts';
import { strings } from './strings.ts';

/** Modal accepts 65,536 characters. The rest is for what checks the sync. */
const MAX_COMMAND_CHARS = 60_000;
/** The limit of a command with the changes that it syncs; the terminal's size may still become longer. */
const MAX_EXEC_CHARS = 65_536 - 100;
/** 128 + 9, as Modal reports a signal. */
const SIGKILL = 137;
/** The time to wait for confirmation that a killed program's sandbox has stopped. */
const END_TIMEOUT_MS = 1_000;
/** A program that was told to stop, and then killed, isn't waited for any longer than this. */
const STOP_TIMEOUT_MS = 10_000;
/**
 * After the end of a program that was told to stop, the end of what it started isn't waited for any longer than this, nor is
 * its last output if none comes for as long.
 */
const LAST_OUTPUT_MS = 100;
/** The longest time for which that output is read if it keeps coming, because much of it was waiting to be read. */
const MAX_LAST_OUTPUT_MS = 2_000;
/** A program that is being stopped may have to write before it ends, so its output isn't held back for longer. */
const MAX_HOLD_MS = 250;
/** How long the next attempt waits for the end of the one before: what doesn't end by then hardly ever will. */
const END_ATTEMPT_MS = 5_000;
const CONTROL_TIMEOUT_MS = 30_000;
/** How its end is asked for when no answer comes. */
const POLL_INTERVAL_MS = 5_000;
const POLL_TIMEOUT_MS = 10_000;
const MAX_FAILED_POLLS = 3;

/** The end of a program. Times are in terms of `performance.now()`. */
export interface ProgramEnd {
  /** The exit code, or a message that explains why no program was run. */
  readonly end: { readonly exitCode: number; readonly isSignal: boolean } | NotRun;
  /** The time when the folder was synced and the program could start. */
  readonly syncedAt: number;
  /** The time when the program's first output arrived. */
  readonly firstOutputAt: number | undefined;
}

/** The parameters that a program is started with. */
export interface ProgramOptions {
  readonly runId: string;
  readonly request: RunRequest;
  readonly command: ProgramCommand;
  readonly output: RunOutput;
  readonly pacers: { readonly stdout: OutputPacer; readonly stderr: OutputPacer };
  readonly stdin: Stdin;
  /** Stops the program and its child processes. */
  readonly signal: AbortSignal;
  readonly modal: ModalClient;
  readonly sandbox: Sandbox;
  /** Sent and applied by the same command, before the program starts. */
  readonly sync: PreparedRun | undefined;
  /** Called when the program starts, with the result of the sync and when it ended (`performance.now()`). */
  onStarted(synced: PushResult | undefined, syncedAt: number): void;
}

/** The command of a run, but for what is known only when it starts. */
export type ProgramCommand = (options: LateOptions) => string[];

/** Returns the command of a run, or of a detached one, whose output goes to a folder in the sandbox. */
export function commandOf(runId: string, request: RunRequest, detachedFolder?: string): ProgramCommand {
  const { programs, args, shellArgs, cwd } = request;
  return prepareCommand(programs, args, { runId, cwd: posix.resolve(REMOTE_ROOT, cwd), shellArgs, detachedFolder });
}

/** Returns the maximum length of the script that a run's command syncs with. Throws `UserError` if it has no room for one. */
export function roomForSync(command: ProgramCommand, size: TerminalSize | undefined): number {
  const chars = command({ size }).join('').length;
  if (chars > MAX_COMMAND_CHARS) throw new UserError(strings.commandTooLong(MAX_COMMAND_CHARS));
  return MAX_EXEC_CHARS - chars;
}

/** Starts the program of a run in a terminal of the given size. Throws the SDK's errors, and the signal's reason. */
export async function startProgram(options: ProgramOptions, size: TerminalSize | undefined): Promise<RunningProgram> {
  const { env, pty } = options.request;
  options.signal.throwIfAborted();
  const command = options.command({ size, sync: options.sync?.script });
  const process = await options.sandbox.exec(command, { mode: 'binary', pty, env: { ...env } });
  return new RunningProgram(options, process, execIdOf(command));
}

/** A command in a sandbox that syncs and then runs a program, followed to its end across connection losses. */
export class RunningProgram {
  readonly #options: ProgramOptions;
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #link: ExecLink;
  /** Undefined if unknown. */
  readonly execId: string | undefined;
  #hasEnded = false;
  /** The number of chunks that have arrived. */
  #chunks = 0;
  #exiting: Promise<number> | undefined;

  constructor(options: ProgramOptions, process: ContainerProcess<Uint8Array>, execId: string | undefined) {
    this.#options = options;
    this.#process = process;
    this.execId = execId;
    const { modal, output, signal } = options;
    this.#link = new ExecLink(process, {
      modal,
      sandboxId: this.sandboxId,
      execId,
      signal,
      onLost: () => output.progress(strings.connectionLost()),
      onReconnected: () => output.status(strings.reconnected()),
    });
  }

  /** True once all output has arrived. Input has no effect any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get sandboxId(): string {
    return this.#options.sandbox.sandboxId;
  }

  resize(size: TerminalSize): Promise<void> {
    return this.#control(resizeCommand(this.#options.runId, size));
  }

  /** Keeps the program running: without a heartbeat, it's stopped after some minutes. */
  heartbeat(): Promise<void> {
    return this.#control(heartbeatCommand(this.#options.runId));
  }

  /** Lets the program run without heartbeats from now on. */
  keep(): Promise<void> {
    return this.#control(keepCommand(this.#options.runId));
  }

  /**
   * Follows the program to its end. Resolves with undefined if nothing was run because the sandbox's files weren't those
   * that the sync was prepared for. Throws the SDK's errors; if the sandbox stopped, the error that explains why.
   */
  async waitForEnd(): Promise<ProgramEnd | undefined> {
    const { modal, signal, runId, output } = this.#options;
    const pacers = Object.values(this.#options.pacers);
    const givenUp = new AbortController();
    let giveUp: NodeJS.Timeout | undefined;
    let stopping: Promise<void> | undefined;
    const end = () => {
      const sent = Promise.withResolvers<void>();
      stopping = this.#control(endCommand(runId), sent.resolve).finally(sent.resolve);
      // Until then, a flood would take the computer's time from what stops it.
      const quiet = Promise.race([stopping, sent.promise.then(() => sleep(MAX_HOLD_MS))]);
      for (const pacer of pacers) pacer.skipRest(quiet);
      giveUp = setTimeout(
        () => {
          output.status(strings.mayStillRun());
          givenUp.abort(signal.reason);
        },
        this.hasEnded ? 0 : STOP_TIMEOUT_MS,
      );
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const following = this.#follow();
    following.catch(() => {});
    try {
      const ended = await untilAborted(following, givenUp.signal);
      if (stopping) await Promise.race([stopping, sleep(LAST_OUTPUT_MS)]);
      // A sandbox that stops kills its programs.
      if (ended && 'exitCode' in ended.end && ended.end.exitCode === SIGKILL && !signal.aborted) {
        await requireRunning(modal, this.sandboxId, END_TIMEOUT_MS).catch((error) => {
          if (isSandboxGone(error)) throw error;
        });
      }
      return ended;
    } finally {
      signal.removeEventListener('abort', end);
      clearTimeout(giveUp);
      for (const pacer of pacers) pacer.end();
      this.#link.close();
    }
  }

  async #follow(): Promise<ProgramEnd | undefined> {
    const { request, sync, pacers } = this.#options;
    const output = new ProgramOutput(this.#counted(this.#link.read('stdout')), sync !== undefined);
    let syncedAt = performance.now();
    const started = this.#outcome(output).then((outcome) => {
      syncedAt = performance.now();
      return this.#begin(outcome, syncedAt);
    });
    const stopped = this.#stopped();
    const stderr = request.pty ? undefined : pacers.stderr.copy(this.#counted(this.#link.read('stderr')));
    stderr?.catch(() => {});
    const copying = pacers.stdout.copy(afterStart(output.chunks(), started));
    copying.catch(() => {});
    let hasStarted = false;
    let ending: Promise<void> | undefined;
    try {
      // Not learned from the output, which may have no end or never come.
      hasStarted = await Promise.race([started, copying.then(() => started)]);
    } finally {
      // Once this is reported, the program must not start or continue.
      if (!hasStarted) ending = this.#control(endCommand(this.#options.runId));
    }
    // An error of the stream comes first.
    await Promise.race([copying, hasStarted ? stopped : undefined]);
    if (!hasStarted) {
      // The next attempt has the same ID, and must not be ended with this one.
      await Promise.race([ending, sleep(END_ATTEMPT_MS)]);
      return undefined;
    }
    const exitCode = await this.#exitCode();
    await Promise.race([stderr, stopped]);
    const notRun = exitCode === EXIT_WRAPPER ? explainMark(output.mark, request) : undefined;
    const end = notRun ?? { exitCode, isSignal: await this.#isSignal(exitCode) };
    return { end, syncedAt, firstOutputAt: output.firstAt };
  }

  /** Waits for the outcome of the sync. Throws `UserError` if the sandbox is silent although it's connected. */
  async #outcome(output: ProgramOutput): Promise<RunSyncOutcome> {
    const synced = output.synced.catch((): RunSyncOutcome => ({ kind: 'unknown' }));
    for (;;) {
      try {
        return await inTime(synced, QUIET_MS);
      } catch (error) {
        if (!this.#link.isLost) throw error;
      }
    }
  }

  /**
   * Waits for the exit code after the output has ended. If Modal's answer doesn't come, asks for it in another way: the
   * program may have closed its output and still be running, or the answer may be lost.
   */
  async #exitCode(): Promise<number> {
    this.#hasEnded = true;
    const process = this.#process;
    const exit = this.#exit();
    exit.catch(() => {});
    for (let failures = 0; ; ) {
      const code = await Promise.race([exit, sleep(POLL_INTERVAL_MS, undefined, { ref: false })]);
      if (code !== undefined) return code;
      try {
        // Internal to the SDK.
        const polled = typeof process._poll === 'function' ? await inTime(process._poll(), POLL_TIMEOUT_MS) : null;
        if (polled !== null) return polled;
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === MAX_FAILED_POLLS) throw error;
      }
    }
  }

  /** Returns whether a signal may have ended the program. That of a canceled one is known. */
  async #isSignal(exitCode: number): Promise<boolean> {
    if (signalOf(exitCode) === undefined || this.#options.signal.aborted) return true;
    return (await this.#link.end()) !== 'code';
  }

  /** Handles the outcome of the sync. Resolves with false if the program wasn't started. */
  async #begin(outcome: RunSyncOutcome, syncedAt: number): Promise<boolean> {
    const { sync, stdin, onStarted } = this.#options;
    const synced = await sync?.settle(outcome);
    if (sync && !synced) return false;
    onStarted(synced, syncedAt);
    stdin.connect(this.#process.stdin, (offset, error) => this.#link.stdin(offset, error));
    return true;
  }

  #exit(): Promise<number> {
    this.#exiting ??= this.#process.wait();
    return this.#exiting;
  }

  /** Resolves a moment after the end of a program that was told to stop. What it printed before may be long. */
  async #stopped(): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    // The streams tell what is wrong.
    await this.#exit().catch(() => new Promise<never>(() => {}));
    const until = performance.now() + MAX_LAST_OUTPUT_MS;
    for (let seen: number | undefined; seen !== this.#chunks && performance.now() < until; ) {
      seen = this.#chunks;
      await sleep(LAST_OUTPUT_MS);
      // On a busy computer, the time may be over before what has arrived is read, so that gets a turn first.
      await nextTurn();
    }
  }

  /** Counts what arrives. */
  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#chunks += 1;
      yield chunk;
    }
  }

  /** Runs a control command next to the program. If it fails, the sandbox is gone, and so is the program. */
  async #control(command: string[], onSent?: () => void): Promise<void> {
    try {
      const options = { stdout: 'ignore', stderr: 'ignore', timeoutMs: CONTROL_TIMEOUT_MS } as const;
      const process = await this.#options.sandbox.exec(command, options);
      onSent?.();
      await process.wait();
    } catch {
      // The program's own streams report that the sandbox has stopped.
    }
  }
}

/** Yields the program's bytes once it has certainly started. */
async function* afterStart(chunks: AsyncIterable<Uint8Array>, started: Promise<boolean>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.length > 0 && (await started)) yield chunk;
}
