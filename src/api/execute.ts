import { UserError } from '../base/errors.ts';
import type { RunRequest } from '../run/request.ts';
import { Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import type { ExecuteOptions, ExecuteResult, SpawnedCommand } from './api.ts';

/** More of each stream is not kept; `onStdout` and `onStderr` get all of it. */
const MAX_KEPT_CHARS = 16 * 1024 * 1024;
/** What a shell's `timeout` returns. */
const TIMED_OUT = 124;

/** Runs a request to its end without a terminal or input. See `SandboxesApi.execute`. */
export async function execute(
  request: RunRequest,
  services: RunServices,
  options: ExecuteOptions = {},
): Promise<ExecuteResult> {
  const command = spawn(request, services, options);
  command.endInput();
  return command.wait();
}

/** Starts a request without a terminal; its input stays open. */
export function spawn(request: RunRequest, services: RunServices, options: ExecuteOptions = {}): SpawnedCommand {
  const { timeoutMs, onStdout, onStderr, signal } = options;
  const startedAt = performance.now();
  const stdout = new KeptText(onStdout);
  const stderr = new KeptText(onStderr);
  const run = new Run({ ...request, pty: false }, services, {
    status: () => {},
    progress: () => {},
    stdout: (bytes) => stdout.add(bytes),
    stderr: (bytes) => stderr.add(bytes),
  });
  let timedOut = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          run.cancel();
        }, timeoutMs);
  const cancel = () => run.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  const ended = run.done.then((result): ExecuteResult => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    signal?.throwIfAborted();
    if (!timedOut && result.outcome === 'failed') throw new UserError(result.error);
    return {
      returncode: timedOut ? TIMED_OUT : (result.exitCode ?? -1),
      timedOut,
      stdout: stdout.end(),
      stderr: stderr.end(),
      truncated: stdout.isTruncated || stderr.isTruncated,
      durationSecs: (performance.now() - startedAt) / 1000,
      sandboxId: result.sandboxId,
    };
  });
  // Whoever never waits is not told; an unhandled rejection would end nothing but the log's peace.
  ended.catch(() => {});
  return {
    write: (text) => run.write(text),
    endInput: () => run.endInput(),
    kill: () => run.cancel(),
    wait: () => ended,
  };
}

/** Text of a stream, decoded across chunks, kept up to a limit. */
class KeptText {
  readonly #decoder = new TextDecoder();
  readonly #onText: ((text: string) => void) | undefined;
  readonly #parts: string[] = [];
  #chars = 0;
  isTruncated = false;

  constructor(onText: ((text: string) => void) | undefined) {
    this.#onText = onText;
  }

  add(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    this.#take(this.#decoder.decode());
    return this.#parts.join('');
  }

  #take(text: string): void {
    if (text === '') return;
    this.#onText?.(text);
    const room = MAX_KEPT_CHARS - this.#chars;
    if (text.length > room) this.isTruncated = true;
    this.#parts.push(text.slice(0, Math.max(room, 0)));
    this.#chars += text.length;
  }
}
