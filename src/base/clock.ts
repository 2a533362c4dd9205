/** Time, handed in so that tests decide when it passes. */
export interface Clock {
  /** Milliseconds, from any beginning. */
  now(): number;
  /** Calls `action` once after a while. Returns what calls that off. */
  after(delayMs: number, action: () => void): () => void;
}

/** The time of the wall, in milliseconds since 1970. */
export const wallClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, action) => systemClock.after(delayMs, action),
};

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
