import type { RunResult } from './result.ts';
import type { Run } from './run.ts';

/** Waits for the end of a run, which is canceled with the signal. */
export async function endOfRun(run: Run, signal: AbortSignal | undefined): Promise<RunResult> {
  const cancel = () => run.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  const result = await run.done;
  signal?.removeEventListener('abort', cancel);
  return result;
}
