import * as vscode from 'vscode';
import { formatBytes } from '../format.ts';
import type { Pair, TransferOptions } from '../modal/transfer.ts';

/** Files under way at once. */
const PARALLEL = 4;

/**
 * Carries files over one by one with progress in bytes, until all are there, one fails or the user cancels. Throws what the
 * first one that failed threw, or an `AbortError`.
 */
export async function transfer(
  title: string,
  pairs: readonly Pair[],
  carry: (pair: Pair, options: TransferOptions) => Promise<void>,
): Promise<void> {
  const total = pairs.reduce((sum, { bytes }) => sum + bytes, 0);
  const location = vscode.ProgressLocation.Notification;
  await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    const cancel = new AbortController();
    token.onCancellationRequested(() => cancel.abort());
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      const increment = total === 0 ? 100 : (bytes / total) * 100;
      progress.report({ increment, message: `${formatBytes(done)} of ${formatBytes(total)}` });
    };
    const waiting = [...pairs];
    const worker = async () => {
      for (let pair = waiting.shift(); pair; pair = waiting.shift())
        await carry(pair, { signal: cancel.signal, onBytes });
    };
    const workers = Array.from({ length: PARALLEL }, worker);
    try {
      await Promise.all(workers);
    } catch (error) {
      cancel.abort();
      waiting.length = 0;
      await Promise.allSettled(workers);
      throw error;
    }
  });
}
