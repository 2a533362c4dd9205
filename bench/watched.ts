import { monitorEventLoopDelay } from 'node:perf_hooks';

const MIB = 1024 * 1024;
/** The interval at which stalls of the thread are checked for. */
const STALL_INTERVAL_MS = 2;

/** The cost of some work for this process. */
export interface Watched<T> {
  readonly value: T;
  readonly ms: number;
  /** The longest time that it blocked the thread, in the thread's CPU time, so that other programs don't count. */
  readonly stallMs: number;
  /** The 99th percentile of how late timers fired. */
  readonly delayMs: number;
  /** The peak growth of memory. */
  readonly grownMiB: number;
}

/** Does work while monitoring memory and the thread. */
export async function watched<T>(work: () => Promise<T>): Promise<Watched<T>> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const memoryChecks = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  let stallMs = 0;
  let usedMs = threadMs();
  const stallChecks = setInterval(() => {
    const now = threadMs();
    stallMs = Math.max(stallMs, now - usedMs);
    usedMs = now;
  }, STALL_INTERVAL_MS);
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
    clearInterval(stallChecks);
    clearInterval(memoryChecks);
  }
}

/** Returns the CPU time of this thread so far. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
