import { RunMarkReader, type RunSyncOutcome } from '../sync/push/run-preamble.ts';
import { WrapperMark } from './command.ts';

const MARKS = Object.values(WrapperMark).map((mark) => Buffer.from(mark));

/**
 * Separates the stdout of a run's wrapper: the outcome of the sync, if there was one, and then the program's own bytes,
 * or a mark that explains why no program was run.
 */
export class ProgramOutput {
  readonly #stream: AsyncIterable<Uint8Array>;
  readonly #sync: RunMarkReader | undefined;
  readonly #synced = Promise.withResolvers<RunSyncOutcome>();
  /** The mark that was printed instead of a program's output; known at the end. */
  mark: string | undefined;
  /** The time when the program's first byte arrived (`performance.now()`). */
  firstAt: number | undefined;

  constructor(stream: AsyncIterable<Uint8Array>, hasSync: boolean) {
    this.#stream = stream;
    this.#sync = hasSync ? new RunMarkReader() : undefined;
    if (!hasSync) this.#synced.resolve({ kind: 'same' });
    // The reader of the stream gets the error.
    this.#synced.promise.catch(() => {});
  }

  /** The outcome of the sync, known before the program's first byte. Resolves only while `chunks` is being read. */
  get synced(): Promise<RunSyncOutcome> {
    return this.#synced.promise;
  }

  /** Yields the program's bytes. Bytes that could be the start of a mark are held back until that is clear. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    let held: Buffer | undefined = Buffer.alloc(0);
    try {
      for await (const chunk of this.#afterSync()) {
        if (!held) {
          yield chunk;
          continue;
        }
        held = Buffer.concat([held, chunk]);
        if (held.length === 0 || MARKS.some((mark) => mark.subarray(0, held?.length).equals(held as Buffer))) continue;
        this.firstAt = performance.now();
        yield held;
        held = undefined;
      }
    } catch (error) {
      this.#synced.reject(error);
      throw error;
    }
    if (!held || held.length === 0) return;
    if (MARKS.some((mark) => mark.equals(held as Buffer))) this.mark = held.toString();
    else yield held;
  }

  async *#afterSync(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#stream) {
      const rest = this.#sync?.feed(chunk) ?? chunk;
      this.#reportSync();
      yield rest;
    }
    const rest = this.#sync?.end();
    this.#reportSync();
    if (rest) yield rest;
  }

  #reportSync(): void {
    if (this.#sync?.outcome) this.#synced.resolve(this.#sync.outcome);
  }
}
