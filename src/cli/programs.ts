import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { spawn } from '../api/execute.ts';
import { UserError } from '../base/errors.ts';
import type { TerminalSize } from '../run/control.ts';
import { endOfRun } from '../run/end-of-run.ts';
import type { RunOutput, RunRequest } from '../run/request.ts';
import type { Run } from '../run/run.ts';
import { requestForShell } from '../run/shell-request.ts';
import { syncReport } from '../run/sync-report.ts';
import { absolute } from '../service/requests.ts';
import type { Service } from '../service/service.ts';
import type { Context } from './context.ts';
import { type Flags, textOf, textsOf, UsageError } from './flags.ts';
import { EXIT_SIGNAL, report } from './outcome.ts';
import { drained, type Output } from './output.ts';
import { strings } from './strings.ts';

/** The signal that ends a program whose reader is gone. Windows doesn't have it. */
const SIGPIPE = 13;
/** The exit code of the `timeout` command. */
const EXIT_TIMED_OUT = 124;

/** `sandboxes run`: runs a file with the command line that the editor runs it with. */
export async function runFile(context: Context): Promise<number> {
  const service = await context.service();
  const [file = '', ...args] = context.args;
  return perform(context, service, await service.fileRequest(absolute(file, context.cwd), args));
}

/** `sandboxes exec`: runs a command line in the folder that corresponds to the one where the user is. */
export async function exec(context: Context): Promise<number> {
  const service = await context.service();
  return perform(context, service, service.commandRequest(context.args, context.cwd));
}

/** `sandboxes shell`: opens a shell. */
export async function shell(context: Context): Promise<number> {
  const service = await context.service();
  const sandboxId = textOf(context.flags, 'sandbox');
  return perform(context, service, requestForShell({ folder: service.folder, label: 'shell', sandboxId }));
}

async function perform(context: Context, service: Service, request: RunRequest): Promise<number> {
  const { flags, output } = context;
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const pty = isTerminal && !output.isJson && flags['no-pty'] !== true;
  const timeoutMs = timeoutOf(flags);
  const full: RunRequest = {
    ...request,
    ...requestFlags(flags, request),
    pty,
    ...(!pty && { input: process.stdin }),
  };
  return output.isJson ? runToJson(context, service, full, timeoutMs) : runToStreams(context, service, full, timeoutMs);
}

/** Returns the fields of a request that flags set. */
function requestFlags(flags: Flags, request: RunRequest): Partial<RunRequest> {
  const sandboxId = textOf(flags, 'sandbox');
  const cwd = textOf(flags, 'cwd');
  return {
    env: Object.fromEntries(textsOf(flags, 'env').map(variable)),
    pull: textsOf(flags, 'pull'),
    sync: request.sync && sandboxId === undefined && flags['no-sync'] !== true,
    ...(sandboxId !== undefined && { sandboxId }),
    ...(cwd !== undefined && { cwd }),
  };
}

/** A variable as `NAME=VALUE`, or the name of one of this computer's. */
function variable(text: string): [string, string] {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new UsageError(strings.invalidVariable(text));
  return [name, at < 0 ? (process.env[name] ?? '') : text.slice(at + 1)];
}

function timeoutOf(flags: Flags): number | undefined {
  const text = textOf(flags, 'timeout');
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0)) throw new UsageError(strings.invalidTimeout(text));
  return seconds * 1000;
}

/** Runs a program, and prints its result as JSON. */
async function runToJson(
  { output, signal }: Context,
  service: Service,
  request: RunRequest,
  timeoutMs: number | undefined,
): Promise<number> {
  const command = spawn(request, service.parts, { ...(timeoutMs !== undefined && { timeoutMs }) });
  const stop = () => command.kill();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const result = await command.wait();
    output.result(result, '');
    return signal.aborted ? exitOf(signal) : result.returncode;
  } catch (error) {
    if (error instanceof UserError) return report(output, error, service);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Runs a program whose streams are those of this process. */
async function runToStreams(
  { output, signal }: Context,
  service: Service,
  request: RunRequest,
  timeoutMs: number | undefined,
): Promise<number> {
  let hasTimedOut = false;
  let isGone = false;
  const terminal = new Terminal();
  const streams = outputTo(
    output,
    signal,
    () => isGone,
    () => terminal.started(),
  );
  const run = service.start(request, streams, sizeOf(process.stdout));
  if (request.pty) terminal.connect(run);
  const stop = () => run.cancel();
  // A reader that has closed its end, such as `head`, wants no more.
  process.stdout.on('error', () => {
    isGone = true;
    stop();
  });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          hasTimedOut = true;
          stop();
        }, timeoutMs);
  const result = await endOfRun(run, signal);
  streams.end();
  clearTimeout(timer);
  terminal.restore();
  output.clear();
  if (hasTimedOut) {
    output.status(strings.timedOut());
    return EXIT_TIMED_OUT;
  }
  if (signal.aborted) return exitOf(signal);
  if (isGone) return EXIT_SIGNAL + SIGPIPE;
  if (result.outcome === 'failed') {
    const code = report(output, { message: result.error, actions: result.actions ?? [] }, service);
    return result.exitCode || code;
  }
  return result.outcome === 'canceled' ? EXIT_SIGNAL + constants.signals.SIGINT : result.exitCode;
}

/** The streams of this process, as those of a run. */
function outputTo(
  output: Output,
  signal: AbortSignal,
  isGone: () => boolean,
  onStarted: () => void,
): RunOutput & { end(): void } {
  const write = (stream: NodeJS.WriteStream, bytes: Uint8Array) => {
    output.clear();
    if (bytes.length > 0 && !isGone()) stream.write(bytes);
  };
  /** Errors that arrive before the result of the sync, which is shown first. */
  let early: Uint8Array[] | undefined = [];
  const end = () => {
    for (const bytes of early ?? []) write(process.stderr, bytes);
    early = undefined;
  };
  return {
    isUnpaced: true,
    // A pager may read no more for as long as it likes, but a signal must be able to end that.
    room: () => drained([process.stdout, process.stderr], signal),
    // How much a reader that is gone has missed doesn't matter.
    status: (line) => (isGone() ? undefined : output.status(line)),
    progress: (line) => output.progress(line),
    started: () => {
      output.clear();
      onStarted();
      queueMicrotask(end);
    },
    synced: (result) => {
      const [first, ...others] = syncReport(result);
      // Programs that run often would otherwise say each time that there was nothing to do.
      for (const line of result.files + result.deleted > 0 ? [first ?? '', ...others] : others) output.status(line);
    },
    stdout: (bytes) => write(process.stdout, bytes),
    stderr: (bytes) => (early ? early.push(bytes) : write(process.stderr, bytes)),
    end,
  };
}

/** This process's terminal, whose keys go to the program in the sandbox. */
class Terminal {
  readonly #decoder = new StringDecoder('utf8');
  #run: Run | undefined;

  /** Sends keys and sizes to a run. */
  connect(run: Run): void {
    this.#run = run;
    process.stdout.on('resize', this.#resize);
  }

  /** The program starts: from now on, all keys are its own, also Ctrl+C. */
  started(): void {
    if (!this.#run || !process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    // Node leaves this on, which would move the cursor to the left for programs that draw on the whole screen.
    if (process.platform !== 'win32') spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
    // A question before has paused it.
    process.stdin.on('data', this.#type).resume();
  }

  restore(): void {
    if (!this.#run) return;
    process.stdout.off('resize', this.#resize);
    process.stdin.off('data', this.#type);
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
  }

  readonly #type = (bytes: Buffer) => this.#run?.write(this.#decoder.write(bytes));
  readonly #resize = () => {
    const size = sizeOf(process.stdout);
    if (size) this.#run?.resize(size);
  };
}

function sizeOf({ isTTY, columns, rows }: NodeJS.WriteStream): TerminalSize | undefined {
  return isTTY && columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

/** Returns the exit code for the signal that arrived, whose name is the reason. */
function exitOf({ reason }: AbortSignal): number {
  return EXIT_SIGNAL + (constants.signals[reason as NodeJS.Signals] ?? constants.signals.SIGINT);
}
