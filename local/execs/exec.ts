/** A command in a sandbox: its stdin, its spooled output, and its exit status. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { failedPrecondition } from '../grpc/status.ts';
import type { ExecStatus } from '../grpc/wire.ts';
import type { Command, Container, PtySize } from '../isolation/container.ts';
import type { Pipes } from './pipes.ts';
import { Spool, type SpoolOptions } from './spool.ts';
import { type Sink, Stdin } from './stdin.ts';

/**
 * The time to wait for more output after the process has exited, if a process that it left behind keeps the pipe open.
 */
const LINGER_MS = 200;

export interface ExecSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly pty?: PtySize | undefined;
  /** On timeout, the whole process group is killed. Undefined means no limit. */
  readonly timeoutSecs?: number | undefined;
  /** The streams to keep for readers. The others are read and discarded. */
  readonly keep: { stdout: boolean; stderr: boolean };
  /** What happens when more output is unread than is kept. By default, the command waits. */
  readonly whenFull?: SpoolOptions['whenFull'];
}

export class Exec {
  readonly stdout: Spool;
  readonly stderr: Spool;
  readonly stdin: Stdin;
  readonly argv: readonly string[];
  readonly startedAt = Date.now();
  /** Resolves with the exit code or signal once the process has exited and its output is complete. */
  readonly ended: Promise<ExecStatus>;
  status: ExecStatus | undefined;
  #kill: () => void;
  readonly pid: number | undefined;

  private constructor(
    argv: readonly string[],
    streams: { stdout: Spool; stderr: Spool; sink: Sink; onStdin: () => void },
    process: { pid: number | undefined; ended: Promise<ExecStatus>; kill: () => void },
  ) {
    this.argv = argv;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.stdin = new Stdin(streams.sink, streams.onStdin);
    this.pid = process.pid;
    this.#kill = process.kill;
    this.ended = process.ended.then((status) => {
      this.status = status;
      // Only its output is needed from now on, not its process and pipes.
      this.#kill = () => {};
      this.stdin.processEnded();
      this.stdout.end();
      this.stderr.end();
      return status;
    });
  }

  /**
   * Starts a command in a container. `spoolPath` is where output goes that doesn't fit in memory. Throws if the command
   * cannot be started at all; a program that doesn't exist exits with 127 instead.
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
    const stdout = new Spool(`${spoolPath}.out`, spec);
    const stderr = new Spool(`${spoolPath}.err`, spec);
    const drained = [
      drain(output.ours, spec.keep.stdout ? stdout : undefined),
      drain(errors.ours, spec.keep.stderr ? stderr : undefined),
    ];
    const sink = spec.pty ? terminalSink(input.ours) : pipeSink(input.ours);
    const exited = () => {
      stdout.sourceExited();
      stderr.sourceExited();
    };
    const ended = exitOf(command, drained, spec.timeoutSecs, exited);
    void ended.then(() => sink.close());
    return new Exec(
      spec.argv,
      { stdout, stderr, sink, onStdin },
      { pid: command.pid, ended, kill: () => command.kill() },
    );
  }

  /** Creates a command that runs in this process, with the same streams and the same kind of status. */
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
    const kill = () => {
      abort.abort();
      // It may be waiting for a reader.
      stdout.end();
    };
    return new Exec(argv, { stdout, stderr, sink, onStdin: () => {} }, { pid: undefined, ended, kill });
  }

  /** The number of bytes of its output that are kept. */
  get keptBytes(): number {
    return this.stdout.keptBytes + this.stderr.keptBytes;
  }

  /** True while a client reads its output. */
  get isRead(): boolean {
    return this.stdout.isRead || this.stderr.isRead;
  }

  /** Sends SIGKILL to its process group and all of its descendants. */
  kill(): void {
    if (!this.status) this.#kill();
  }

  async dispose(): Promise<void> {
    await Promise.all([this.stdout.dispose(), this.stderr.dispose()]);
  }
}

interface Drain {
  /** Resolves at the end of the stream. */
  ended: Promise<void>;
  /** The time when bytes last arrived, as in `Date.now()`. */
  lastByteAt: number;
  /** Discards all further bytes. */
  discardRest(): void;
}

/**
 * The buffer that all pipes are read into. Each chunk is copied immediately. A new buffer for each read, Node's default,
 * would cause many garbage collections.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Reads a pipe to its end, into `spool` if there is one. */
function drain(fd: number, spool: Spool | undefined): Drain {
  const state: Drain = { ended: Promise.resolve(), lastByteAt: 0, discardRest: () => {} };
  let isKept = true;
  state.ended = new Promise((resolve) => {
    const take = (bytes: number): boolean => {
      state.lastByteAt = Date.now();
      const wait = isKept ? spool?.append(readBuffer.subarray(0, bytes)) : undefined;
      void wait?.then(() => socket.resume());
      return !wait;
    };
    state.discardRest = () => {
      isKept = false;
      socket.resume();
    };
    const onread = { buffer: readBuffer, callback: take };
    const socket = new Socket({ fd, readable: true, writable: false, onread });
    // Only a flowing socket emits `close`.
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
  return state;
}

/** Waits for a command to exit, and for its output to be complete or silent. Returns how the command exited. */
async function exitOf(
  command: Command,
  drains: readonly Drain[],
  timeoutSecs: number | undefined,
  onExit: () => void,
): Promise<ExecStatus> {
  const timer = timeoutSecs ? setTimeout(() => command.kill(), timeoutSecs * 1000) : undefined;
  const status = await command.exited;
  clearTimeout(timer);
  onExit();
  const endedAt = Date.now();
  const complete = Promise.all(drains.map((each) => each.ended)).then(() => true);
  // On a busy computer, the timer may fire before bytes that are already in the pipe are read, so they get a turn first.
  const silence = () =>
    pause(LINGER_MS)
      .then(() => nextTurn())
      .then(() => false);
  while (!(await Promise.race([complete, silence()]))) {
    const last = Math.max(endedAt, ...drains.map((each) => each.lastByteAt));
    if (Date.now() - last >= LINGER_MS) break;
  }
  for (const each of drains) each.discardRest();
  return status;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves after the event loop has polled for I/O. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

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

/** Like `pipeSink`, but ends the input with the end-of-file character of terminals. */
function terminalSink(fd: number): ClosableSink {
  const sink = pipeSink(fd);
  return { ...sink, end: () => void sink.write(Buffer.from('\x04')).catch(() => {}) };
}
