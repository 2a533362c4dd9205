import { UserError } from '../base/errors.ts';
import { endOfRun } from '../run/end-of-run.ts';
import type { RunRequest } from '../run/request.ts';
import { Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import type { ExecuteOptions, ExecuteResult, SpawnedCommand } from './api.ts';

/** The maximum length of each stream in the result. `onStdout` and `onStderr` get all of it. */
const MAX_RESULT_CHARS = 16 * 1024 * 1024;
/** The exit code of the `timeout` command. */
const EXIT_TIMED_OUT = 124;

/** Runs a request to its end, without a terminal or input. See `SandboxesApi.execute`. */
export async function execute(
  request: RunRequest,
  services: RunServices,
  options: ExecuteOptions = {},
): Promise<ExecuteResult> {
  const command = spawn(request, services, options);
  command.endInput();
  return command.wait();
}

/** Starts a request without a terminal. Its input stays open. */
export function spawn(request: RunRequest, services: RunServices, options: ExecuteOptions = {}): SpawnedCommand {
  const { timeoutMs, onStdout, onStderr, signal } = options;
  const startedAt = performance.now();
  const stdout = new StreamText(onStdout);
  const stderr = new StreamText(onStderr);
  const run = new Run({ ...request, pty: false }, services, {
    isUnpaced: true,
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
  const ended = endOfRun(run, signal).then((result): ExecuteResult => {
    clearTimeout(timer);
    signal?.throwIfAborted();
    if (!timedOut && result.outcome === 'failed') throw new UserError(result.error);
    return {
      returncode: timedOut ? EXIT_TIMED_OUT : (result.exitCode ?? -1),
      timedOut,
      stdout: stdout.end(),
      stderr: stderr.end(),
      truncated: stdout.isTruncated || stderr.isTruncated,
      durationSecs: (performance.now() - startedAt) / 1000,
      sandboxId: result.sandboxId,
    };
  });
  // The caller may never wait, so an unhandled rejection must not reach the log.
  ended.catch(() => {});
  return {
    write: (text) => run.write(text),
    endInput: () => run.endInput(),
    kill: () => run.cancel(),
    wait: () => ended,
  };
}

/** The text of a stream, decoded across chunks, up to a limit. */
class StreamText {
  readonly #decoder = new TextDecoder();
  readonly #onText: ((text: string) => void) | undefined;
  readonly #parts: string[] = [];
  #chars = 0;
  isTruncated = false;

  constructor(onText: ((text: string) => void) | undefined) {
    this.#onText = onText;
  }

  add(bytes: Uint8Array): void {
    // Decoding a flood that no one gets would delay everything else.
    if (!this.#onText && this.#chars >= MAX_RESULT_CHARS) this.isTruncated ||= bytes.length > 0;
    else this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    this.#take(this.#decoder.decode());
    return this.#parts.join('');
  }

  #take(text: string): void {
    if (text === '') return;
    this.#onText?.(text);
    const room = MAX_RESULT_CHARS - this.#chars;
    if (text.length > room) this.isTruncated = true;
    this.#parts.push(text.slice(0, Math.max(room, 0)));
    this.#chars += text.length;
  }
}
