import { type Clock, systemClock } from '../base/clock.ts';

/** How often a kept sandbox is touched, as a part of the idle time after which it would end. */
const TOUCHES_PER_IDLE_TIME = 3;

/**
 * Keeps sandboxes from ending when idle, for as long as this window is open and wants it: a command that does nothing
 * counts as activity. Nothing makes a sandbox live longer than its lifetime, which Modal fixes at its start.
 */
export class KeepAlive {
  readonly #touch: (sandboxId: string) => Promise<void>;
  readonly #clock: Clock;
  readonly #kept = new Map<string, () => void>();

  /** `touch` runs a command that does nothing; when it fails, the sandbox has ended. */
  constructor(touch: (sandboxId: string) => Promise<void>, clock: Clock = systemClock) {
    this.#touch = touch;
    this.#clock = clock;
  }

  has(sandboxId: string): boolean {
    return this.#kept.has(sandboxId);
  }

  keep(sandboxId: string, idleTimeoutMs: number): void {
    this.release(sandboxId);
    const wait = () =>
      this.#kept.set(
        sandboxId,
        this.#clock.after(idleTimeoutMs / TOUCHES_PER_IDLE_TIME, () => void again()),
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
