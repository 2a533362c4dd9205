import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { ContainerProcess, ModalClient, Sandbox } from 'modal';
import type { Clock } from '../base/clock.ts';
import { execIdOf } from '../modal/client.ts';
import { isConnectionLost } from '../modal/errors.ts';
import { ExecInput } from '../modal/exec-input.ts';
import { ExecLink } from '../modal/exec-link.ts';

/** One request carries at most this. Modal accepts a few megabytes. */
const MAX_WRITE_BYTES = 2 * 1024 * 1024;
/** What follows this soon after `gather` goes along, so that it needn't wait for the answer to another request. */
const GATHER_MS = 3;
/** The longest time to gather. */
const MAX_GATHER_MS = 15;
/** While more than this waits to be sent, `room` doesn't resolve. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;

export interface ExecPipeOptions {
  /** The client that the sandbox's object comes from. */
  readonly modal: ModalClient;
  readonly sandbox: Sandbox;
  /** Must advance while the computer sleeps. Defaults to the system's. */
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  /** Defaults to `ignore`. */
  readonly stderr?: 'pipe' | 'ignore';
}

/**
 * The streams of one command in a sandbox, as bytes and without a terminal. Survives lost connections for as long as the
 * command does, up to five minutes.
 *
 * Each write to Modal is a request with an answer, so what is written during a request goes with the next one. An open
 * command keeps its sandbox from becoming idle, so close every pipe.
 */
export class ExecPipe {
  readonly #process: ContainerProcess<Uint8Array>;
  readonly #link: ExecLink;
  readonly #closing = new AbortController();
  readonly #input: ExecInput;
  readonly #failed = Promise.withResolvers<unknown>();
  #isDropped = false;
  #parts: Uint8Array[] = [];
  /** Reused for each request, since new memory for each costs more than the copy. */
  #joined = Buffer.alloc(0);
  #waitingBytes = 0;
  #hasEnded = false;
  #isGathering = false;
  #sending: Promise<void> | undefined;
  readonly #roomWanted: (() => void)[] = [];
  /** Resolves with the error if input can no longer be sent, because the connection is lost and doesn't come back. */
  readonly failed: Promise<unknown> = this.#failed.promise;

  /** Starts the command. Throws the SDK's errors. */
  static async open(argv: readonly string[], options: ExecPipeOptions): Promise<ExecPipe> {
    const { sandbox, env = {}, workdir, stderr = 'ignore' } = options;
    const command = [...argv];
    const params = { env: { ...env }, ...(workdir !== undefined && { workdir }) };
    const process = await sandbox.exec(command, { mode: 'binary', stderr, ...params });
    return new ExecPipe(process, execIdOf(command), options);
  }

  private constructor(
    process: ContainerProcess<Uint8Array>,
    execId: string | undefined,
    { modal, sandbox, clock }: ExecPipeOptions,
  ) {
    this.#process = process;
    this.#link = new ExecLink(process, {
      modal,
      sandboxId: sandbox.sandboxId,
      execId,
      signal: this.#closing.signal,
      onLost: () => {},
      onReconnected: () => {},
    });
    this.#input = new ExecInput(process.stdin, (offset, error) => this.#link.stdin(offset, error), clock);
  }

  /** True while the connection is lost, and it may come back. */
  get isLost(): boolean {
    return this.#link.isLost;
  }

  /** Reads a stream to its end, as it arrives. Throws if the sandbox has stopped, or if the connection is lost and doesn't come back. */
  read(stream: 'stdout' | 'stderr' = 'stdout'): AsyncGenerator<Uint8Array> {
    return this.#link.read(stream);
  }

  /** Sends bytes, which must not change any more. If the command no longer reads them, they are dropped. */
  write(...parts: readonly Uint8Array[]): void {
    if (this.#isDropped || this.#hasEnded) return;
    for (const part of parts) {
      this.#parts.push(part);
      this.#waitingBytes += part.length;
    }
    this.#sending ??= this.#send();
  }

  /** Sends bytes as `write` does, but a moment later, because others probably follow. */
  gather(...parts: readonly Uint8Array[]): void {
    this.#isGathering = true;
    this.write(...parts);
  }

  /** Resolves when little enough waits to be sent. */
  async room(): Promise<void> {
    if (this.#waitingBytes < MAX_WAITING_BYTES) return;
    await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
  }

  /** Ends the command's input after what was written. */
  end(): void {
    this.#hasEnded = true;
    this.#sending ??= this.#send();
  }

  /** Resolves with the command's exit code: 128 and a signal's number if that ended it. Throws the SDK's errors. */
  wait(): Promise<number> {
    return this.#process.wait();
  }

  /** Ends the command's input now, drops what waits to be sent, and ends all reading. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#drop();
    void this.#process.closeStdin().catch(() => {});
    this.#link.close();
  }

  async #send(): Promise<void> {
    // What is written in the same turn goes along.
    await turn();
    for (let waitedMs = 0; this.#isGathering && waitedMs < MAX_GATHER_MS; waitedMs += GATHER_MS) {
      this.#isGathering = false;
      await sleep(GATHER_MS);
    }
    this.#isGathering = false;
    try {
      while (this.#parts.length > 0) {
        await this.#input.write(this.#next());
        this.#makeRoom();
      }
      if (this.#hasEnded && !this.#isDropped) await this.#input.close();
    } catch (error) {
      // Otherwise, the command has closed its input or exited; its output and exit code say more.
      if (isConnectionLost(error)) this.#failed.resolve(error);
      this.#drop();
    } finally {
      this.#sending = undefined;
    }
  }

  /** Takes as much as one request can carry. */
  #next(): Uint8Array {
    const first = this.#parts[0] as Uint8Array;
    if (first.length > MAX_WRITE_BYTES) {
      this.#parts[0] = first.subarray(MAX_WRITE_BYTES);
      this.#waitingBytes -= MAX_WRITE_BYTES;
      return first.subarray(0, MAX_WRITE_BYTES);
    }
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#parts) {
      if (bytes + length > MAX_WRITE_BYTES) break;
      bytes += length;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    if (count === 1) return this.#parts.shift() as Uint8Array;
    if (this.#joined.length < bytes) this.#joined = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const part of this.#parts.splice(0, count)) {
      this.#joined.set(part, at);
      at += part.length;
    }
    return this.#joined.subarray(0, bytes);
  }

  #makeRoom(): void {
    if (this.#waitingBytes >= MAX_WAITING_BYTES) return;
    for (const resolve of this.#roomWanted.splice(0)) resolve();
  }

  #drop(): void {
    this.#isDropped = true;
    this.#input.abandon();
    this.#parts = [];
    this.#waitingBytes = 0;
    this.#makeRoom();
  }
}
