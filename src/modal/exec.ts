import { randomUUID } from 'node:crypto';
import type { ContainerProcess, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { formatBytes } from '../base/text.ts';
import { strings } from './strings.ts';
import { watched } from './watchdog.ts';

/** Input for a process. Read again from an earlier offset when a connection is resumed. */
export interface Source {
  readFrom(offset: number): AsyncIterable<Uint8Array>;
}

/**
 * What an answer of a sandbox may cost. Each kind of answer has its own, because any program in a sandbox, `sh` among
 * them, may have been replaced by one that prints without end or never answers.
 */
export interface AnswerLimits {
  /** A longer output is refused. */
  readonly maxBytes: number;
  /** The sandbox stops the process after this time, so that a lost one doesn't keep the sandbox awake. */
  readonly timeoutMs: number;
  /** The longest time in which neither output arrives nor input is accepted. Defaults to `QUIET_MS`. */
  readonly quietMs?: number;
  /** The longest time until the first output. Defaults to `quietMs`. */
  readonly firstMs?: number;
}

export interface ExecOptions extends AnswerLimits {
  /** Creates the input once the process has started. Receives the time that the start took. */
  readonly source?: ((startMs: number) => Source) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Stops the command, which must be `sh -c`, soon after its window is lost. For commands that may run for long. */
  readonly isWatched?: boolean;
}

/** A sandbox that hasn't given a sign of life for this long isn't waited for any longer. */
export const QUIET_MS = 20_000;
/** The sandbox stops a process this much later, so that the limit is reported as what it is. */
const GRACE_MS = 5_000;
/** The part of a program's errors that is read. */
const MAX_TEXT_BYTES = 64 * 1024;
const WRITE_BYTES = 1024 * 1024;
/** The SDK's stream cuts each chunk into messages of this size. */
const MESSAGE_BYTES = 256 * 1024;

/**
 * Runs a command with the given input, and returns its output. Takes three calls: start, input, output. It's not an error
 * if the process exits before it has read all input; its output says why. Throws `UserError` if a limit is exceeded, the
 * SDK's errors, and the signal's reason as soon as it's aborted.
 */
export async function execWith(sandbox: Sandbox, argv: string[], options: ExecOptions): Promise<Buffer> {
  const { source, signal, maxBytes, timeoutMs } = options;
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const watch = options.isWatched ? watched(randomUUID()) : undefined;
  const [program = '', flag = '', script = '', ...args] = argv;
  // Cleaned up at once, so that a snapshot has no trace of it.
  const command = watch ? [program, flag, [watch.preamble, script, watch.cleanup].join('\n'), ...args] : argv;
  const starting = sandbox.exec(command, { mode: 'binary', stderr: 'ignore', timeoutMs: sandboxTimeoutMs(timeoutMs) });
  // If it starts after all, end its input so that it exits.
  const process = await untilAborted(
    starting,
    signal,
    () => void starting.then((late) => late.closeStdin()).catch(() => {}),
  );
  using patience = new Patience(options);
  using _ = watch?.keepAlive(sandbox);
  const ended = AbortSignal.any([patience.signal, ...(signal ? [signal] : [])]);
  const endInput = () => void process.closeStdin();
  const output = readAll(process.stdout, maxBytes, ended, () => patience.renew());
  output.catch(() => {});
  // Awaited here, because the limits end with this function.
  if (!source) return await untilAborted(output, ended, endInput);
  const sending = send(process, source(performance.now() - startedAt), ended, () => patience.renew());
  sending.catch(() => {});
  // Its end alone doesn't matter before the input has ended, but an excess does.
  const excess = new Promise<never>((_, reject) => output.catch(reject));
  excess.catch(() => {});
  try {
    await untilAborted(Promise.race([sending, excess]), ended, endInput);
  } catch (error) {
    ended.throwIfAborted();
    endInput();
    if (error instanceof UserError) throw error;
    const said = await untilAborted(output, ended).catch(() => Buffer.alloc(0));
    if (said.length === 0) throw error;
    return said;
  }
  return await untilAborted(output, ended, endInput);
}

/** Returns the time after which the sandbox itself stops a process; Modal accepts whole seconds. */
function sandboxTimeoutMs(timeoutMs: number): number {
  return Math.ceil((timeoutMs + GRACE_MS) / 1000) * 1000;
}

/** Ends the wait for a process that is quiet or takes too long. */
class Patience implements Disposable {
  readonly #end = new AbortController();
  readonly #quietMs: number;
  readonly #timeout: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor({ timeoutMs, quietMs = QUIET_MS, firstMs = quietMs }: Omit<AnswerLimits, 'maxBytes'>) {
    this.#quietMs = Math.min(quietMs, timeoutMs);
    this.#timeout = this.#after(timeoutMs);
    this.#quiet = this.#after(Math.min(firstMs, timeoutMs));
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Notes a sign of life. */
  renew(): void {
    this.pause();
    this.#quiet = this.#after(this.#quietMs);
  }

  /** Waits for nothing until `renew` is called. */
  pause(): void {
    clearTimeout(this.#quiet);
  }

  #after(waitMs: number): NodeJS.Timeout | undefined {
    if (waitMs === Number.POSITIVE_INFINITY) return undefined;
    return setTimeout(() => this.#end.abort(noAnswer(waitMs)), waitMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timeout);
    this.pause();
  }
}

/** Waits for work that depends on a sandbox's programs. Throws `UserError` if it takes too long. */
export async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  using patience = new Patience({ timeoutMs, quietMs: timeoutMs });
  return await untilAborted(work, patience.signal);
}

async function send(
  process: ContainerProcess<Uint8Array>,
  source: Source,
  signal: AbortSignal,
  onSent: () => void,
): Promise<void> {
  // The streaming call is internal to the SDK. It takes one call in total; the public writer makes one for each write.
  if (typeof process._stdinWriteStream === 'function') {
    await process._stdinWriteStream({
      readFrom: (offset) => checked(inWholeMessages(source.readFrom(offset)), signal, onSent),
    });
    return;
  }
  const writer = process.stdin.getWriter();
  for await (const bytes of checked(source.readFrom(0), signal, onSent))
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) await writer.write(bytes.subarray(at, at + WRITE_BYTES));
  await writer.close();
}

/** Regroups the bytes so that every message but the last one is full. */
async function* inWholeMessages(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    const start = rest.length === 0 ? 0 : MESSAGE_BYTES - rest.length;
    if (start > 0) rest = Buffer.concat([rest, piece.subarray(0, start)]);
    if (rest.length > 0 && rest.length < MESSAGE_BYTES) continue;
    if (rest.length > 0) yield rest;
    const end = piece.length - ((piece.length - start) % MESSAGE_BYTES);
    if (end > start) yield piece.subarray(start, end);
    rest = piece.subarray(end);
  }
  if (rest.length > 0) yield rest;
}

/** Passes bytes on, and notes that each piece before the next one was taken. */
async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onSent: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    signal.throwIfAborted();
    yield piece;
    onSent();
  }
}

/**
 * Reads a stream of a sandbox to its end. Throws `UserError` if it's longer than `maxBytes`, and the signal's reason; the
 * rest isn't read then.
 */
async function readAll(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
  onBytes: () => void,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) return Buffer.concat(parts, bytes);
      onBytes();
      bytes += value.length;
      if (bytes > maxBytes) throw tooLong(maxBytes);
      parts.push(value);
    }
  } finally {
    // Not awaited, because it waits for a read that may never end.
    void reader.cancel().catch(() => {});
  }
}

/** The limits of a stream that its reader takes in as it arrives. */
export interface StreamLimits {
  readonly maxBytes: number;
  /** The longest wait for the next bytes. Defaults to `QUIET_MS`. */
  readonly quietMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Yields a stream of a sandbox as fast as its reader takes it. Throws `UserError` if a limit is exceeded, and the signal's
 * reason. The rest isn't read then, nor if the reader stops early.
 */
export async function* readStream(
  stream: ReadableStream<Uint8Array>,
  { maxBytes, quietMs = QUIET_MS, signal }: StreamLimits,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const reader = stream.getReader();
  using patience = new Patience({ timeoutMs: Number.POSITIVE_INFINITY, quietMs });
  const ended = signal ? AbortSignal.any([patience.signal, signal]) : patience.signal;
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), ended);
      if (done) return;
      bytes += value.length;
      if (bytes > maxBytes) throw tooLong(maxBytes);
      // The time that its reader takes doesn't count.
      patience.pause();
      yield value;
      patience.renew();
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** Returns a short text that a program printed, such as its errors. A longer one is cut off. */
export async function readText(stream: ReadableStream<Uint8Array>, quietMs = QUIET_MS): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of readStream(stream, { maxBytes: Number.POSITIVE_INFINITY, quietMs })) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= MAX_TEXT_BYTES) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, MAX_TEXT_BYTES);
}

function noAnswer(waitedMs: number): UserError {
  return new UserError(strings.noAnswer(Math.round(waitedMs / 1000)), { actions: ['retry', 'replaceSandbox'] });
}

function tooLong(maxBytes: number): UserError {
  return new UserError(strings.answerTooLong(formatBytes(maxBytes)), { actions: ['replaceSandbox'] });
}
