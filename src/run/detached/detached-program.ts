import type { OutputPacer } from '../output-pacer.ts';
import type { ProgramEnd, RunningProgram } from '../program.ts';
import { type DetachedEnd, type DetachedPlace, type DetachedReader, readDetached } from './output.ts';

export interface DetachedProgramOptions extends Omit<DetachedReader, 'signal'> {
  readonly place: DetachedPlace;
  /** Resolves with the time when the program has started (`performance.now()`). */
  readonly started: Promise<number>;
  readonly pacer: OutputPacer;
  /** Stops the program. */
  readonly signal: AbortSignal;
}

/**
 * Follows a program whose output goes to files to its end, like `RunningProgram.waitForEnd`. If the connection to the program is
 * lost, or its sandbox stops, the files tell how it ended.
 */
export async function endOfDetached(
  program: RunningProgram,
  { place, started, pacer, signal, ...reader }: DetachedProgramOptions,
): Promise<ProgramEnd | undefined> {
  const reading = new AbortController();
  let end: DetachedEnd | undefined;
  let firstOutputAt: number | undefined;
  async function* output() {
    const parts = readDetached(place, { ...reader, signal: reading.signal });
    for (;;) {
      const { done, value } = await parts.next();
      if (done) {
        end = value;
        return;
      }
      firstOutputAt ??= performance.now();
      yield value;
    }
  }
  let syncedAt: number | undefined;
  const following = started.then((at) => {
    syncedAt = at;
    return pacer.copy(output());
  });
  following.catch(() => {});
  try {
    const ended = await program.waitForEnd();
    if (!ended || !('exitCode' in ended.end)) return ended;
    await following.catch(() => {});
    return { ...ended, end: { ...ended.end, isSignal: true }, firstOutputAt };
  } catch (error) {
    if (syncedAt === undefined || signal.aborted) throw error;
    await following.catch(() => {
      throw error;
    });
    const known = end as DetachedEnd | undefined;
    if (known === undefined || known === 'killed') throw error;
    return { end: { exitCode: known.exitCode, isSignal: true }, syncedAt, firstOutputAt };
  } finally {
    reading.abort();
  }
}
