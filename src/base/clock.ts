export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The time, injected so that tests control when it passes. */
export interface Clock {
  /** Milliseconds since an arbitrary origin. */
  now(): number;
  /** Calls `action` once after a delay. Returns a function that cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** Wall-clock time, in milliseconds since 1970. */
export const wallClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, action) => systemClock.after(delayMs, action),
};

/** Monotonic time, for measuring durations. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
