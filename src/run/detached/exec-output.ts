import { setTimeout as sleep } from 'node:timers/promises';
import type { ModalClient } from 'modal';
import { isConnectionLost } from '../../modal/errors.ts';
import { ExecRouter } from '../../modal/exec-router.ts';
import { ProgramOutput } from '../program-output.ts';
import { type DetachedEnd, RECONNECT_TIMEOUT_MS, RETRY_INTERVAL_MS, sandboxEndOf } from './output.ts';

const CALL_TIMEOUT_MS = 10_000;

/** A command whose output isn't stored in files, because it was started before its program should outlive the window. */
export interface KeptExec {
  readonly execId?: string | undefined;
  /** The command synced the folder before it became the program. */
  readonly hasSync?: boolean | undefined;
}

export interface ExecReader {
  readonly client: ModalClient;
  readonly signal: AbortSignal;
}

/**
 * Reads both streams of a command from their beginning, as far as Modal keeps them, and returns how it ended. Throws the
 * sandbox's end, the SDK's errors, and the signal's reason.
 */
export async function* readExec(
  { sandboxId, execId = '', hasSync = false }: KeptExec & { readonly sandboxId: string },
  reader: ExecReader,
): AsyncGenerator<Uint8Array, DetachedEnd> {
  const exec = { sandboxId, execId };
  const stdout = new ProgramOutput(read(exec, 'stdout', reader), hasSync);
  yield* merged(stdout.chunks(), read(exec, 'stderr', reader));
  for (;;) {
    reader.signal.throwIfAborted();
    const exitCode = await withRouter(exec, reader, (router) => router.exitCode(CALL_TIMEOUT_MS));
    if (exitCode !== undefined) return { exitCode };
    // It has closed its output, and is still running.
    await sleep(RETRY_INTERVAL_MS, undefined, { signal: reader.signal });
  }
}

interface ExecPlace {
  readonly sandboxId: string;
  readonly execId: string;
}

async function* read(place: ExecPlace, stream: 'stdout' | 'stderr', reader: ExecReader): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let lostAt: number | undefined;
  for (;;) {
    let router: ExecRouter | undefined;
    try {
      router = await ExecRouter.open(reader.client, place.sandboxId, place.execId, CALL_TIMEOUT_MS);
      for await (const chunk of router.read(stream, offset, reader.signal)) {
        lostAt = undefined;
        offset += chunk.length;
        if (chunk.length > 0) yield chunk;
      }
      return;
    } catch (error) {
      lostAt ??= performance.now();
      await pauseIfLost(place, reader, error, lostAt);
    } finally {
      router?.close();
    }
  }
}

async function withRouter<T>(
  place: ExecPlace,
  reader: ExecReader,
  work: (router: ExecRouter) => Promise<T>,
): Promise<T> {
  const lostAt = performance.now();
  for (;;) {
    let router: ExecRouter | undefined;
    try {
      router = await ExecRouter.open(reader.client, place.sandboxId, place.execId, CALL_TIMEOUT_MS);
      return await work(router);
    } catch (error) {
      await pauseIfLost(place, reader, error, lostAt);
    } finally {
      router?.close();
    }
  }
}

/** Waits a moment before another attempt. Throws if there's none: the sandbox's end, the error, or the signal's reason. */
async function pauseIfLost(
  { sandboxId }: ExecPlace,
  { client, signal }: ExecReader,
  error: unknown,
  lostAt: number,
): Promise<void> {
  signal.throwIfAborted();
  const ended = await sandboxEndOf(client, sandboxId, error);
  if (ended !== undefined) throw ended;
  if (!isConnectionLost(error) || performance.now() - lostAt > RECONNECT_TIMEOUT_MS) throw error;
  await sleep(RETRY_INTERVAL_MS, undefined, { signal });
}

/** Yields what two sources yield, as it arrives. */
async function* merged<T>(...sources: AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (source: AsyncGenerator<T>) => source.next().then((result) => ({ source, result }));
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (waiting.size > 0) {
      const { source, result } = await Promise.race(waiting.values());
      if (result.done) waiting.delete(source);
      else {
        waiting.set(source, next(source));
        yield result.value;
      }
    }
  } finally {
    for (const pending of waiting.values()) pending.catch(() => {});
  }
}
