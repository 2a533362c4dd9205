import { untilAborted } from '../../base/cancellation.ts';
import { formatBytes } from '../../base/text.ts';
import type { Pair, TransferOptions } from '../../modal/transfer.ts';
import { withProgress } from './progress.ts';

/** Files under way at once. */
const PARALLEL = 4;

/**
 * Finds files and carries them over with progress in bytes, until all are there, one fails or the user cancels. Throws what
 * the first one that failed threw, or an `AbortError`.
 */
export async function transfer(
  title: string,
  find: (signal: AbortSignal) => Promise<readonly Pair[]>,
  carry: (pair: Pair, options: TransferOptions) => Promise<void>,
): Promise<void> {
  await withProgress(title, async (signal, report) => {
    const pairs = await untilAborted(find(signal), signal);
    const total = pairs.reduce((sum, { bytes }) => sum + bytes, 0);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      const increment = total === 0 ? 100 : (bytes / total) * 100;
      report({ increment, message: `${formatBytes(done)} of ${formatBytes(total)}` });
    };
    const waiting = [...pairs];
    const worker = async () => {
      for (let pair = waiting.shift(); pair; pair = waiting.shift()) await carry(pair, { signal: either, onBytes });
    };
    const workers = Array.from({ length: PARALLEL }, worker);
    try {
      await Promise.all(workers);
    } catch (error) {
      stop.abort();
      waiting.length = 0;
      await Promise.allSettled(workers);
      throw error;
    }
  });
}
