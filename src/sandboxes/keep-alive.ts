import { type Clock, systemClock } from '../base/clock.ts';

/** The number of times that a kept sandbox is touched per idle timeout. */
const TOUCHES_PER_IDLE_TIMEOUT = 3;

/**
 * Keeps sandboxes from reaching their idle timeout while this window is open: a command that does nothing counts as activity.
 * Nothing extends the maximum lifetime, which Modal sets when a sandbox starts.
 */
export class KeepAlive {
  readonly #touch: (sandboxId: string) => Promise<void>;
  readonly #clock: Clock;
  readonly #kept = new Map<string, () => void>();

  /** `touch` runs a command that does nothing. If it fails, the sandbox has ended. */
  constructor(touch: (sandboxId: string) => Promise<void>, clock: Clock = systemClock) {
    this.#touch = touch;
    this.#clock = clock;
  }

  has(sandboxId: string): boolean {
    return this.#kept.has(sandboxId);
  }

  /** Touches a sandbox until it is released or has ended. */
  keep(sandboxId: string, idleTimeoutMs: number): void {
    this.release(sandboxId);
    const wait = () =>
      this.#kept.set(
        sandboxId,
        this.#clock.after(idleTimeoutMs / TOUCHES_PER_IDLE_TIMEOUT, () => void again()),
      );
    const again = async () => {
      try {
        await this.#touch(sandboxId);
        if (this.has(sandboxId)) wait();
      } catch {
        this.release(sandboxId);
      }
    };
    wait();
  }

  release(sandboxId: string): void {
    this.#kept.get(sandboxId)?.();
    this.#kept.delete(sandboxId);
  }

  dispose(): void {
    for (const id of [...this.#kept.keys()]) this.release(id);
  }
}
