import type { Clock } from '../base/clock.ts';
import type { Life } from './session.ts';

const MINUTE_MS = 60_000;
/** So long before its end a sandbox is said to near it; a short life is told of in its last tenth. */
const WARN_MS = 10 * MINUTE_MS;
const WARN_PART = 0.1;
/** How often is looked. */
const LOOK_MS = MINUTE_MS;
/** What Modal may take to end a sandbox whose time is over. */
const END_MS = 2_000;

export interface LifetimeParts {
  readonly clock: Clock;
  lives(): Promise<readonly Life[]>;
  /** A sandbox nears its end; told once for each. */
  onNearEnd(life: Life): void;
  /** Whether a program of this window runs in a sandbox, which then lives. */
  isBusy(sandboxId: string): boolean;
  /** Makes sure whether a sandbox lives whose time is over, by what this window knows. */
  check(life: Life): Promise<void>;
}

/**
 * Tells in time of sandboxes that near the end of their life, and has those looked at that must have ended: once when their
 * time is over, and each minute where they live on all the same. Sets no timer while there is none.
 */
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
    const { clock, onNearEnd, isBusy, check } = this.#parts;
    const over: Life[] = [];
    for (const life of lives) {
      if (clock.now() >= checkAt(life) && !isBusy(life.sandbox.sandboxId)) over.push(life);
      if (this.#told.has(life.sandbox) || clock.now() < life.endsAt - warningMs(life)) continue;
      this.#told.add(life.sandbox);
      onNearEnd(life);
    }
    this.dispose();
    if (lives.length === 0) return;
    const waits = lives.map((life) => checkAt(life) - clock.now()).filter((ms) => ms > 0);
    this.#cancel = clock.after(Math.min(LOOK_MS, ...waits), () => void this.update());
    await Promise.all(over.map(check));
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

function checkAt({ endsAt, idleAt }: Life): number {
  return Math.min(endsAt, idleAt) + END_MS;
}

function warningMs({ named }: Life): number {
  return Math.min(WARN_MS, named.profile.timeoutMs * WARN_PART);
}
