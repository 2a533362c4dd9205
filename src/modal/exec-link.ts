import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerProcess, ModalClient } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { isConnectionLost } from './errors.ts';
import { readStream } from './exec.ts';
import { type ExecEnd, ExecRouter } from './exec-router.ts';
import { localModalEnd } from './local-server.ts';
import { requireRunning } from './sandboxes.ts';

/** The maximum time for reconnecting. The program itself is stopped if it gets no heartbeat for that long. */
const RECONNECT_TIMEOUT_MS = 5 * 60_000;
const RETRY_INTERVAL_MS = 1_000;
const CALL_TIMEOUT_MS = 10_000;
/** The time for finding out whether a signal ended a command. Its end is shown after that. */
const END_TIMEOUT_MS = 2_000;
/** A stream that hasn't failed for this long is connected, even if nothing was received. */
const SETTLED_MS = 500;

export interface ExecLinkOptions {
  readonly modal: ModalClient;
  readonly sandboxId: string;
  /** Undefined if unknown; lost streams can't be resumed then. */
  readonly execId: string | undefined;
  /** Stops reconnecting. */
  readonly signal: AbortSignal;
  onLost(): void;
  onReconnected(): void;
}

/**
 * The streams of a command, across connection losses. The SDK retries ten times within ten seconds; after that, this
 * resumes them at the byte where they stopped.
 */
export class ExecLink {
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #options: ExecLinkOptions;
  readonly #closing = new AbortController();
  /** A server on this computer that has ended doesn't come back, so nothing waits for it. */
  readonly #serverEnd = localModalEnd();
  #router: ExecRouter | undefined;
  /** The router that input goes through; undefined while the SDK sends it. */
  #inputRouter: ExecRouter | undefined;
  #isLost = false;
  #opening: Promise<ExecRouter> | undefined;

  constructor(process: ContainerProcess<Uint8Array>, options: ExecLinkOptions) {
    this.#process = process;
    this.#options = options;
  }

  /** True while it's reconnecting. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Reads a stream to its end. Throws if the sandbox has stopped, or if reconnecting fails for five minutes. */
  async *read(stream: 'stdout' | 'stderr'): AsyncGenerator<Uint8Array> {
    const limits = { maxBytes: Number.POSITIVE_INFINITY, quietMs: Number.POSITIVE_INFINITY };
    let source: AsyncIterable<Uint8Array> = readStream(this.#process[stream], {
      ...limits,
      signal: this.#closing.signal,
    });
    let router: ExecRouter | undefined;
    let offset = 0;
    let lostAt = 0;
    for (;;) {
      const settled = setTimeout(() => this.#markConnected(router), SETTLED_MS);
      try {
        for await (const chunk of untilEnd(source, this.#serverEnd)) {
          offset += chunk.length;
          this.#markConnected(router);
          yield chunk;
        }
        clearTimeout(settled);
        return;
      } catch (error) {
        clearTimeout(settled);
        if (!this.#isLost) lostAt = performance.now();
        router = await this.#reconnect(router, error, lostAt + RECONNECT_TIMEOUT_MS);
        source = router.read(stream, offset, this.#closing.signal);
      }
    }
  }

  /** Reopens the command's input at a byte, after a write to it failed. Throws as `read` does. */
  async stdin(offset: number, error: unknown): Promise<WritableStream<Uint8Array>> {
    this.#inputRouter = await this.#reconnect(this.#inputRouter, error, performance.now() + RECONNECT_TIMEOUT_MS);
    this.#markConnected(this.#inputRouter);
    return this.#inputRouter.stdin(offset);
  }

  /** Returns how the command ended; undefined if that can't be found out soon. */
  async end(): Promise<ExecEnd> {
    const { modal, sandboxId, execId } = this.#options;
    if (execId === undefined) return undefined;
    try {
      this.#router ??= await ExecRouter.open(modal, sandboxId, execId, END_TIMEOUT_MS);
      return await this.#router.end(END_TIMEOUT_MS);
    } catch {
      return undefined;
    }
  }

  /** Notes that the connection works: something was received, or could have been. */
  #markConnected(router: ExecRouter | undefined): void {
    if (!this.#isLost || !router) return;
    this.#isLost = false;
    this.#options.onReconnected();
  }

  /** Ends all streams, whether or not the command has ended. */
  close(): void {
    this.#closing.abort();
    this.#router?.close();
  }

  /** Returns the connection that follows a failed one; all streams of the command share it. */
  async #reconnect(failed: ExecRouter | undefined, error: unknown, deadline: number): Promise<ExecRouter> {
    if (!isConnectionLost(error)) throw error;
    if (this.#router && this.#router !== failed) return this.#router;
    this.#opening ??= this.#open(error, deadline).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(failure: unknown, deadline: number): Promise<ExecRouter> {
    const { modal, sandboxId, execId, signal, onLost } = this.#options;
    this.#router?.close();
    this.#router = undefined;
    for (let error = failure; ; ) {
      this.#serverEnd?.throwIfAborted();
      if (!isConnectionLost(error) || execId === undefined || performance.now() > deadline) throw error;
      this.#isLost = true;
      onLost();
      await sleep(RETRY_INTERVAL_MS, undefined, { signal });
      try {
        await requireRunning(modal, sandboxId, 0);
        this.#router = await ExecRouter.open(modal, sandboxId, execId, CALL_TIMEOUT_MS);
        return this.#router;
      } catch (next) {
        error = next;
      }
    }
  }
}

/** Yields what a source yields. Throws the signal's reason as soon as it's aborted. */
async function* untilEnd<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await untilAborted(chunks.next(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    // Nothing waits for this, because it waits for the next chunk.
    void chunks.return?.().catch(() => {});
  }
}
