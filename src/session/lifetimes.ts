import type { Clock } from '../clock.ts';
import type { Life } from './session.ts';

const MINUTE_MS = 60_000;
/** So long before its end a sandbox is said to near it; a short life is told of in its last tenth. */
const WARN_MS = 10 * MINUTE_MS;
const WARN_PART = 0.1;
/** How often is looked. */
const LOOK_MS = MINUTE_MS;

export interface LifetimeParts {
  readonly clock: Clock;
  lives(): Promise<readonly Life[]>;
  /** A sandbox nears its end; told once for each. */
  onNearEnd(life: Life): void;
}

/** Tells in time of sandboxes that near the end of their life. Sets no timer while there is none. */
export class Lifetimes {
  readonly #parts: LifetimeParts;
  readonly #told = new WeakSet<object>();
  #cancel: (() => void) | undefined;

  constructor(parts: LifetimeParts) {
    this.#parts = parts;
  }

  /** Sandboxes were started or have ended. */
  async update(): Promise<void> {
    this.dispose();
    const lives = await this.#parts.lives();
    const { clock, onNearEnd } = this.#parts;
    for (const life of lives) {
      if (this.#told.has(life.sandbox) || clock.now() < life.endsAt - warningMs(life)) continue;
      this.#told.add(life.sandbox);
      onNearEnd(life);
    }
    this.dispose();
    if (lives.some(({ sandbox }) => !this.#told.has(sandbox)))
      this.#cancel = clock.after(LOOK_MS, () => void this.update());
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

function warningMs({ named }: Life): number {
  return Math.min(WARN_MS, named.profile.timeoutMs * WARN_PART);
}
