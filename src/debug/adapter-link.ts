import { PassThrough } from 'node:stream';
import { untilAborted } from '../base/cancellation.ts';
import type { RunRequest } from '../run/request.ts';
import { CANCELED, failureOf, type RunFailed, type RunResult } from '../run/result.ts';
import { Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import { type Message, MessageBatch, MessageReader } from './protocol.ts';

/** Receives what an adapter sends. */
export interface LinkListener {
  /** The adapter's program has begun, and should say something soon. */
  running(): void;
  /** The adapter takes messages now. Receives what its program said about itself, if anything. */
  started(said: unknown): void;
  message(message: Message): void;
  /** Shows a line about the sandbox. */
  status(line: string): void;
  /** Shows the current step; `''` when it's over. */
  progress(line: string): void;
}

/** How an adapter has ended. */
export interface LinkEnd {
  readonly result: RunResult;
  /** The end of what it printed as errors. */
  readonly errors: string;
}

/** A connection to a debug adapter in a sandbox. */
export interface AdapterLink {
  /** The sandbox, once the adapter has sent something. */
  readonly sandboxId: string | undefined;
  /** Never rejects. */
  readonly ended: Promise<LinkEnd>;
  /** Messages that are sent in the same turn share one call to the sandbox. */
  send(message: Message): void;
  /** Asks the adapter to end, which ends what it debugs. */
  end(): void;
  /** Stops the adapter with everything that it started. */
  kill(): void;
}

/** Of errors, the end is kept. */
const MAX_ERROR_CHARS = 4_000;
/** An adapter whose input has ended is stopped after this time. */
const END_TIMEOUT_MS = 5_000;

/** An adapter that is the program of a run: the folder is synced first, and the profile's outputs are pulled after it. */
export class AdapterRun implements AdapterLink {
  readonly #cancel = new AbortController();
  readonly #listener: LinkListener;
  readonly #reader = new MessageReader();
  readonly #batch = new MessageBatch();
  readonly #input = new PassThrough();
  #run: Run | undefined;
  #hasEnded = false;
  #errors = '';
  #failure: RunFailed | undefined;
  #killing: NodeJS.Timeout | undefined;
  sandboxId: string | undefined;
  readonly ended: Promise<LinkEnd>;

  /** An error from building the request is the adapter's end. */
  constructor(request: () => Promise<RunRequest>, services: RunServices, listener: LinkListener) {
    this.#listener = listener;
    // What is sent to a program that has ended is lost.
    this.#input.on('error', () => {});
    this.#batch.open((bytes) => void this.#input.write(bytes));
    this.ended = this.#start(request, services)
      .catch((error): RunResult => (this.#cancel.signal.aborted ? CANCELED : failureOf(error)))
      .then((result) => {
        this.#hasEnded = true;
        clearTimeout(this.#killing);
        return { result: this.#failure ?? result, errors: this.#errors };
      });
  }

  async #start(build: () => Promise<RunRequest>, services: RunServices): Promise<RunResult> {
    const request = await untilAborted(build(), this.#cancel.signal);
    const decoder = new TextDecoder();
    const output = {
      isUnpaced: true,
      started: () => this.#listener.running(),
      status: (line: string) => this.#listener.status(line),
      progress: (line: string) => this.#listener.progress(line),
      stdout: (bytes: Uint8Array) => this.#received(bytes),
      stderr: (bytes: Uint8Array) => {
        this.#errors = (this.#errors + decoder.decode(bytes, { stream: true })).slice(-MAX_ERROR_CHARS);
      },
    };
    this.#run = new Run({ ...request, pty: false, input: this.#input, record: 'none' }, services, output);
    return this.#run.done;
  }

  send(message: Message): void {
    if (!this.#hasEnded) this.#batch.send(message);
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#endInput();
    // Until it runs, nothing reads its input. Afterwards, its outputs are pulled, which may take longer.
    if (this.sandboxId === undefined) this.kill();
    this.#killing = setTimeout(() => this.#run?.sandboxId !== undefined && this.kill(), END_TIMEOUT_MS);
  }

  kill(): void {
    if (!this.#hasEnded) this.#endInput();
    this.#cancel.abort();
    this.#run?.cancel();
  }

  #endInput(): void {
    this.#batch.flush();
    this.#hasEnded = true;
    this.#input.end();
  }

  #received(bytes: Uint8Array): void {
    if (this.#failure) return;
    this.sandboxId ??= this.#run?.sandboxId;
    try {
      for (const message of this.#reader.feed(bytes)) this.#listener.message(message);
    } catch (error) {
      this.#failure = failureOf(error);
      this.kill();
    }
  }
}
