import { untilAborted } from '../../base/cancellation.ts';
import { eachLimited } from '../../base/each-limited.ts';
import { formatBytes } from '../../base/text.ts';
import type { FilePair, TransferOptions } from '../../modal/transfer.ts';
import { withProgress } from './progress.ts';
import { strings } from './strings.ts';

/** The number of files transferred at once. */
const MAX_PARALLEL = 4;

/**
 * Finds files and transfers them, showing progress in bytes, until all are done, one fails, or the user cancels. Throws the
 * first failure, or an `AbortError`.
 */
export async function transfer(
  title: string,
  find: (signal: AbortSignal) => Promise<readonly FilePair[]>,
  carry: (pair: FilePair, options: TransferOptions) => Promise<void>,
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
      report({ increment, message: strings.transferred(formatBytes(done), formatBytes(total)) });
    };
    await eachLimited(pairs, MAX_PARALLEL, async (pair) => {
      try {
        await carry(pair, { signal: either, onBytes });
      } catch (error) {
        stop.abort();
        throw error;
      }
    });
  });
}
