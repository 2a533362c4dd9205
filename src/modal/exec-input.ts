import { type Clock, MINUTE_MS, systemClock } from '../base/clock.ts';

/** The time after which a write that fails again and again isn't repeated. */
const GIVE_UP_MS = 5 * MINUTE_MS;

/** Reopens a program's input at a byte offset. Throws the error if that isn't possible. */
export type Reopen = (offset: number, error: unknown) => Promise<WritableStream<Uint8Array>>;

/** A program's input, which resumes at the same byte after a write has failed. */
export class ExecInput {
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reopen: Reopen | undefined;
  readonly #clock: Clock;
  /** Bytes that the program has received. */
  #sentBytes = 0;
  #isAbandoned = false;

  constructor(stdin: WritableStream<Uint8Array>, reopen?: Reopen, clock = systemClock) {
    this.#writer = stdin.getWriter();
    this.#reopen = reopen;
    this.#clock = clock;
  }

  /** Sends bytes. Throws if the program no longer reads, or if the connection is lost and doesn't come back. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#perform((writer) => writer.write(bytes));
    this.#sentBytes += bytes.length;
  }

  /** Ends the program's input. Throws as `write` does. */
  async close(): Promise<void> {
    await this.#perform((writer) => writer.close());
  }

  /** Repeats nothing any more. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async #perform(action: (writer: WritableStreamDefaultWriter<Uint8Array>) => Promise<void>): Promise<void> {
    let failedAt: number | undefined;
    while (!this.#isAbandoned) {
      try {
        return await action(this.#writer);
      } catch (error) {
        failedAt ??= this.#clock.now();
        if (!this.#reopen || this.#clock.now() - failedAt >= GIVE_UP_MS) throw error;
        this.#writer = (await this.#reopen(this.#sentBytes, error)).getWriter();
      }
    }
  }
}
