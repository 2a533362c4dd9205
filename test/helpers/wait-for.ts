import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `read` until `holds` accepts its value. Throws with the last value after `timeoutMs`. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  read: () => Promise<T>,
  holds: (value: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s for ${what}; last seen:\n${JSON.stringify(value, undefined, 2)}`);
    }
    await sleep(100);
  }
}
