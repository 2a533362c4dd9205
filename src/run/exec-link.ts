import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerProcess, ModalClient } from 'modal';
import { isConnectionLost } from '../modal/errors.ts';
import { ExecRouter } from '../modal/exec-router.ts';
import { requireRunning } from '../modal/sandboxes.ts';

/** How long is tried to continue. The program itself is ended when it has heard nothing of its window for as long. */
const GIVE_UP_MS = 5 * 60_000;
const PAUSE_MS = 1_000;
const CALL_TIMEOUT_MS = 10_000;
/** A stream that has not failed for so long is there, although nothing has come. */
const SETTLED_MS = 500;

export interface ExecLinkOptions {
  readonly modal: ModalClient;
  readonly sandboxId: string;
  /** Absent when it is not known: then nothing can be continued. */
  readonly execId: string | undefined;
  /** Stops the attempts to continue. */
  readonly signal: AbortSignal;
  onLost(): void;
  /** The connection is there again. */
  onBack(): void;
}

/**
 * The streams of a command across losses of the connection. The SDK tries ten times within ten seconds; after that they are
 * continued here, at the byte where they stopped.
 */
export class ExecLink {
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #options: ExecLinkOptions;
  readonly #closing = new AbortController();
  #router: ExecRouter | undefined;
  /** The one that input goes through; absent while that is the SDK's. */
  #inputRouter: ExecRouter | undefined;
  #isLost = false;
  #opening: Promise<ExecRouter> | undefined;

  constructor(process: ContainerProcess<Uint8Array>, options: ExecLinkOptions) {
    this.#process = process;
    this.#options = options;
  }

  /** One of the command's streams, to its end. Throws when the sandbox has ended, or after five minutes without it. */
  async *read(stream: 'stdout' | 'stderr'): AsyncGenerator<Uint8Array> {
    let source = this.#process[stream] as unknown as AsyncIterable<Uint8Array>;
    let router: ExecRouter | undefined;
    let offset = 0;
    let lostAt = 0;
    for (;;) {
      const settled = setTimeout(() => this.#back(router), SETTLED_MS);
      try {
        for await (const chunk of source) {
          offset += chunk.length;
          this.#back(router);
          yield chunk;
        }
        clearTimeout(settled);
        return;
      } catch (error) {
        clearTimeout(settled);
        if (!this.#isLost) lostAt = performance.now();
        router = await this.#another(router, error, lostAt + GIVE_UP_MS);
        source = router.read(stream, offset, this.#closing.signal);
      }
    }
  }

  /** The command's input from a byte on, after a write to it has failed. Throws as `read` does. */
  async stdin(offset: number, error: unknown): Promise<WritableStream<Uint8Array>> {
    this.#inputRouter = await this.#another(this.#inputRouter, error, performance.now() + GIVE_UP_MS);
    this.#back(this.#inputRouter);
    return this.#inputRouter.stdin(offset);
  }

  /** Something has come, or could have. */
  #back(router: ExecRouter | undefined): void {
    if (!this.#isLost || !router) return;
    this.#isLost = false;
    this.#options.onBack();
  }

  close(): void {
    this.#closing.abort();
    this.#router?.close();
  }

  /** The next connection after one that failed; the streams of a command share it. */
  async #another(failed: ExecRouter | undefined, error: unknown, deadline: number): Promise<ExecRouter> {
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
      if (!isConnectionLost(error) || execId === undefined || performance.now() > deadline) throw error;
      this.#isLost = true;
      onLost();
      await sleep(PAUSE_MS, undefined, { signal });
      try {
        await requireRunning(modal, sandboxId, 0);
        this.#router = await ExecRouter.open(modal, sandboxId, execId, CALL_TIMEOUT_MS);
        return this.#router;
      } catch (another) {
        error = another;
      }
    }
  }
}
