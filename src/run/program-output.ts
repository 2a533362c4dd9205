import { RunMarkReader, type RunSyncOutcome } from '../sync/push/run-preamble.ts';
import { WrapperMark } from './command.ts';

const MARKS = Object.values(WrapperMark).map((mark) => Buffer.from(mark));

/**
 * The stdout of a run's wrapper: word of the sync where one was sent along, then the program's own bytes, or a mark that
 * says why there is no program.
 */
export class ProgramOutput {
  readonly #stream: AsyncIterable<Uint8Array>;
  readonly #sync: RunMarkReader | undefined;
  readonly #synced = Promise.withResolvers<RunSyncOutcome>();
  /** The mark that came instead of a program; known at the end. */
  mark: string | undefined;
  /** When the program's first byte came (`performance.now()`). */
  firstAt: number | undefined;

  constructor(stream: AsyncIterable<Uint8Array>, hasSync: boolean) {
    this.#stream = stream;
    this.#sync = hasSync ? new RunMarkReader() : undefined;
    if (!hasSync) this.#synced.resolve({ kind: 'same' });
    // Whoever reads the stream hears of its failure there.
    this.#synced.promise.catch(() => {});
  }

  /** How the sync went; known before the program's first byte. `chunks` must be read for it to come. */
  get synced(): Promise<RunSyncOutcome> {
    return this.#synced.promise;
  }

  /** The program's bytes. What could be the beginning of a mark is held back until it is decided. */
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
      this.#tellSync();
      yield rest;
    }
    const rest = this.#sync?.end();
    this.#tellSync();
    if (rest) yield rest;
  }

  #tellSync(): void {
    if (this.#sync?.outcome) this.#synced.resolve(this.#sync.outcome);
  }
}
