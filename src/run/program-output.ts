import { NO_PROGRAM_MARK } from './command.ts';

const MARK = Buffer.from(NO_PROGRAM_MARK);

/** The stdout of a run's wrapper: the program's own bytes, or the mark that there is no program. */
export class ProgramOutput {
  readonly #stream: ReadableStream<Uint8Array>;
  /** There was nothing but the mark; known at the end. */
  isNoProgramMark = false;
  /** When the program's first byte came (`performance.now()`). */
  firstAt: number | undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#stream = stream;
  }

  /** The program's bytes. What could be the beginning of the mark is held back until it is decided. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    let held: Buffer | undefined = Buffer.alloc(0);
    for await (const chunk of this.#stream as unknown as AsyncIterable<Uint8Array>) {
      if (!held) {
        yield chunk;
        continue;
      }
      held = Buffer.concat([held, chunk]);
      if (MARK.subarray(0, held.length).equals(held)) continue;
      this.firstAt = performance.now();
      yield held;
      held = undefined;
    }
    this.isNoProgramMark = held?.equals(MARK) ?? false;
    if (held && held.length > 0 && !this.isNoProgramMark) yield held;
  }
}
