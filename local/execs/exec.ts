/** One command in a sandbox: its stdin, its spooled output, how it ended. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { failedPrecondition } from '../grpc/status.ts';
import type { ExecStatus } from '../grpc/wire.ts';
import type { Command, Container, PtySize } from '../isolation/container.ts';
import type { Pipes } from './pipes.ts';
import { Spool } from './spool.ts';
import { type Sink, Stdin } from './stdin.ts';

/** How long output may stay silent after the process has ended, while something it left behind holds the pipe. */
const LINGER_MS = 200;

export interface ExecSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly pty?: PtySize | undefined;
  /** Undefined for no limit. At its end the whole process group is killed. */
  readonly timeoutSecs?: number | undefined;
  /** Which of stdout and stderr are kept for readers; what is not kept is still drained. */
  readonly keep: { stdout: boolean; stderr: boolean };
}

export class Exec {
  readonly stdout: Spool;
  readonly stderr: Spool;
  readonly stdin: Stdin;
  readonly argv: readonly string[];
  readonly startedAt = Date.now();
  /** Settles with the exit code or signal once the process has ended and its output is complete. */
  readonly ended: Promise<ExecStatus>;
  status: ExecStatus | undefined;
  readonly #kill: () => void;
  readonly pid: number | undefined;

  private constructor(
    argv: readonly string[],
    parts: { stdout: Spool; stderr: Spool; sink: Sink; onStdin: () => void },
    process: { pid: number | undefined; ended: Promise<ExecStatus>; kill: () => void },
  ) {
    this.argv = argv;
    this.stdout = parts.stdout;
    this.stderr = parts.stderr;
    this.stdin = new Stdin(parts.sink, parts.onStdin);
    this.pid = process.pid;
    this.#kill = process.kill;
    this.ended = process.ended.then((status) => {
      this.status = status;
      this.stdin.processEnded();
      this.stdout.end();
      this.stderr.end();
      return status;
    });
  }

  /**
   * Starts a command in a container.
   * @param spoolPath where its output goes that does not fit in memory
   * @throws when it cannot be started at all; a program that does not exist ends with 127 instead
   */
  static async start(
    container: Container,
    pipes: Pipes,
    spoolPath: string,
    spec: ExecSpec,
    onStdin: () => void,
  ): Promise<Exec> {
    const [input, output, errors] = await Promise.all([pipes.fromUs(), pipes.toUs(), pipes.toUs()]);
    let command: Command;
    try {
      command = await container.spawn({ ...spec, stdio: [input.theirs, output.theirs, errors.theirs] });
    } catch (error) {
      for (const fd of [input.ours, output.ours, errors.ours]) closeSync(fd);
      throw error;
    } finally {
      for (const fd of [input.theirs, output.theirs, errors.theirs]) closeSync(fd);
    }
    const stdout = new Spool(`${spoolPath}.out`);
    const stderr = new Spool(`${spoolPath}.err`);
    const drained = [
      drain(output.ours, spec.keep.stdout ? stdout : undefined),
      drain(errors.ours, spec.keep.stderr ? stderr : undefined),
    ];
    const sink = spec.pty ? terminalSink(input.ours) : pipeSink(input.ours);
    const ended = exitOf(command, drained, spec.timeoutSecs);
    void ended.then(() => sink.close());
    return new Exec(
      spec.argv,
      { stdout, stderr, sink, onStdin },
      { pid: command.child.pid, ended, kill: () => command.kill() },
    );
  }

  /** A command that this server carries out itself, with the same streams and the same end. */
  static inProcess(
    argv: readonly string[],
    spoolPath: string,
    sink: Sink,
    run: (streams: { stdout: Spool; stderr: Spool }, signal: AbortSignal) => Promise<number>,
  ): Exec {
    const stdout = new Spool(`${spoolPath}.out`);
    const stderr = new Spool(`${spoolPath}.err`);
    const abort = new AbortController();
    const ended = run({ stdout, stderr }, abort.signal).then((code) =>
      abort.signal.aborted ? { signal: 9 } : { code },
    );
    return new Exec(
      argv,
      { stdout, stderr, sink, onStdin: () => {} },
      { pid: undefined, ended, kill: () => abort.abort() },
    );
  }

  /** SIGKILL to its process group and whatever is below it. */
  kill(): void {
    if (!this.status) this.#kill();
  }

  async dispose(): Promise<void> {
    await Promise.all([this.stdout.dispose(), this.stderr.dispose()]);
  }
}

interface Drain {
  /** Settles at the end of the stream. */
  ended: Promise<void>;
  /** When bytes last came, as of `Date.now()`. */
  lastByteAt: number;
  /** Stops listening; what still comes is thrown away. */
  forget(): void;
}

/**
 * Where all pipes are read into, each chunk being copied at once: a buffer for each read, as is usual, is much work for the
 * garbage collector.
 */
const landing = Buffer.allocUnsafeSlow(64 * 1024);

/** Reads a pipe as fast as it comes, into `spool` or nowhere. */
function drain(fd: number, spool: Spool | undefined): Drain {
  const state: Drain = { ended: Promise.resolve(), lastByteAt: 0, forget: () => {} };
  let heard = true;
  state.forget = () => {
    heard = false;
  };
  state.ended = new Promise((resolve) => {
    const take = (bytes: number): boolean => {
      state.lastByteAt = Date.now();
      const wait = heard ? spool?.append(landing.subarray(0, bytes)) : undefined;
      void wait?.catch(() => {}).then(() => socket.resume());
      return !wait;
    };
    const onread = { buffer: landing, callback: take };
    const socket = new Socket({ fd, readable: true, writable: false, onread });
    // Only a socket that flows tells of its end.
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
  return state;
}

/** How a command ended, told once its output is complete, or silent although it has ended. */
async function exitOf(
  command: Command,
  drains: readonly Drain[],
  timeoutSecs: number | undefined,
): Promise<ExecStatus> {
  const timer = timeoutSecs ? setTimeout(() => command.kill(), timeoutSecs * 1000) : undefined;
  const status = await new Promise<ExecStatus>((resolve) => {
    command.child.once('exit', (code, signal) =>
      resolve(signal ? { signal: constants.signals[signal] } : { code: code ?? 0 }),
    );
  });
  clearTimeout(timer);
  const endedAt = Date.now();
  const complete = Promise.all(drains.map((each) => each.ended)).then(() => true);
  while (!(await Promise.race([complete, pause(LINGER_MS).then(() => false)]))) {
    const last = Math.max(endedAt, ...drains.map((each) => each.lastByteAt));
    if (Date.now() - last >= LINGER_MS) break;
  }
  for (const each of drains) each.forget();
  return status;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface ClosableSink extends Sink {
  close(): void;
}

function pipeSink(fd: number): ClosableSink {
  const socket = new Socket({ fd, readable: false, writable: true });
  let gone = false;
  socket.on('error', () => {
    gone = true;
  });
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        const closed = () => reject(failedPrecondition('The process has closed its stdin'));
        if (gone || socket.destroyed) return closed();
        socket.write(data, (error) => (error ? closed() : resolve()));
      }),
    end: () => socket.end(),
    close: () => socket.destroy(),
  };
}

/** On a terminal, the end of input is a character. */
function terminalSink(fd: number): ClosableSink {
  const sink = pipeSink(fd);
  return { ...sink, end: () => void sink.write(Buffer.from('\x04')).catch(() => {}) };
}
