import type { ContainerProcess, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { HOUR_MS } from '../base/clock.ts';

/** Input for a process. Read again from an earlier offset when a connection is resumed. */
export interface Source {
  readFrom(offset: number): AsyncIterable<Uint8Array>;
}

export interface ExecOptions {
  /** Creates the input once the process has started. Receives the time that the start took. */
  readonly source?: ((startMs: number) => Source) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The sandbox stops the process after this time, so that a lost one doesn't keep the sandbox awake. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = HOUR_MS;
const WRITE_BYTES = 1024 * 1024;
/** The SDK's stream cuts each chunk into messages of this size. */
const MESSAGE_BYTES = 256 * 1024;

/**
 * Runs a command with the given input, and returns its output. Takes three calls: start, input, output. It's not an error
 * if the process exits before it has read all input; its output says why. Throws the SDK's errors, and the signal's reason
 * as soon as it's aborted.
 */
export async function execWith(sandbox: Sandbox, argv: string[], options: ExecOptions = {}): Promise<Buffer> {
  const { source, signal, timeoutMs = TIMEOUT_MS } = options;
  signal?.throwIfAborted();
  const startedAt = performance.now();
  const starting = sandbox.exec(argv, { mode: 'binary', stderr: 'ignore', timeoutMs });
  // If it starts after all, end its input so that it exits.
  const process = await untilAborted(
    starting,
    signal,
    () => void starting.then((late) => late.closeStdin()).catch(() => {}),
  );
  const output = readAll(process.stdout);
  output.catch(() => {});
  if (!source) return untilAborted(output, signal);
  const sending = send(process, source(performance.now() - startedAt), signal);
  sending.catch(() => {});
  try {
    await untilAborted(sending, signal, () => void process.closeStdin());
  } catch (error) {
    signal?.throwIfAborted();
    await process.closeStdin();
    const said = await untilAborted(output, signal).catch(() => Buffer.alloc(0));
    if (said.length === 0) throw error;
    return said;
  }
  return untilAborted(output, signal);
}

async function send(process: ContainerProcess<Uint8Array>, source: Source, signal?: AbortSignal): Promise<void> {
  // The streaming call is internal to the SDK. It takes one call in total; the public writer makes one for each write.
  if (typeof process._stdinWriteStream === 'function') {
    await process._stdinWriteStream({
      readFrom: (offset) => checked(inWholeMessages(source.readFrom(offset)), signal),
    });
    return;
  }
  const writer = process.stdin.getWriter();
  for await (const bytes of checked(source.readFrom(0), signal))
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

async function* checked(bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    signal?.throwIfAborted();
    yield piece;
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream as AsyncIterable<Uint8Array>) parts.push(part);
  return Buffer.concat(parts);
}
