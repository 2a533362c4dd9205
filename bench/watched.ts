import { monitorEventLoopDelay } from 'node:perf_hooks';

const MIB = 1024 * 1024;
/** How often is looked whether the thread is free. */
const TURN_MS = 2;

/** What work cost this process. */
export interface Watched<T> {
  readonly value: T;
  readonly ms: number;
  /** The longest that it held the thread, in the thread's own time: other programs of a busy machine do not count. */
  readonly stallMs: number;
  /** How late timers were, but for the latest one in a hundred. */
  readonly delayMs: number;
  /** By how much memory grew at its peak. */
  readonly grownMiB: number;
}

/** Does work, and watches memory and the thread meanwhile. */
export async function watched<T>(work: () => Promise<T>): Promise<Watched<T>> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const looking = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  let stallMs = 0;
  let usedMs = threadMs();
  const turns = setInterval(() => {
    const now = threadMs();
    stallMs = Math.max(stallMs, now - usedMs);
    usedMs = now;
  }, TURN_MS);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const startedAt = performance.now();
  try {
    const value = await work();
    const ms = performance.now() - startedAt;
    stallMs = Math.max(stallMs, threadMs() - usedMs);
    return { value, ms, stallMs, delayMs: loop.percentile(99) / 1e6, grownMiB: (peak - before) / MIB };
  } finally {
    loop.disable();
    clearInterval(turns);
    clearInterval(looking);
  }
}

/** Processor time of this thread so far. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
