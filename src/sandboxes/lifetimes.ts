import { type Clock, MINUTE_MS } from '../base/clock.ts';
import { Emitter, type Event } from '../base/events.ts';
import { idleTimeoutOf } from '../profiles/schema.ts';
import type { SandboxLifetime } from './session.ts';

/** Warn this long before the end, or in the last tenth of a short lifetime. */
const WARNING_MS = 10 * MINUTE_MS;
const WARNING_SHARE = 0.1;
const POLL_INTERVAL_MS = MINUTE_MS;
/** Files are saved this long before the end, or in the last fifth of a short time. */
const SAVE_MS = MINUTE_MS;
const SAVE_SHARE = 0.2;
/** The maximum time for Modal to stop an expired sandbox. */
const STOP_DELAY_MS = 2_000;

export interface LifetimeDependencies {
  readonly clock: Clock;
  lifetimes(): Promise<readonly SandboxLifetime[]>;
  /** Returns whether a program of this window is running in a sandbox, which therefore runs too. */
  isBusy(sandboxId: string): boolean;
  /** Ends a sandbox that is about to end, after saving its files. */
  save(lifetime: SandboxLifetime): Promise<unknown>;
  /** Finds out whether a sandbox that should have stopped is still running. */
  check(lifetime: SandboxLifetime): Promise<void>;
}

/**
 * Watches for sandboxes that are about to reach the end of their lifetime, and checks those that should have stopped: once at
 * that time, and then every minute while they keep running. Sets no timer while there are no sandboxes.
 */
export class Lifetimes {
  readonly #dependencies: LifetimeDependencies;
  readonly #warned = new WeakSet<object>();
  readonly #isNearEnd = new Emitter<SandboxLifetime>();
  #cancel: (() => void) | undefined;
  /** Fires once for each sandbox, shortly before the end of its lifetime. */
  readonly onNearEnd: Event<SandboxLifetime> = this.#isNearEnd.event;

  constructor(dependencies: LifetimeDependencies) {
    this.#dependencies = dependencies;
  }

  /** Checks all sandboxes: some have started or ended. */
  async update(): Promise<void> {
    this.dispose();
    const { clock, isBusy, check, save } = this.#dependencies;
    const lifetimes = await this.#dependencies.lifetimes();
    const expired: SandboxLifetime[] = [];
    const unsaved: SandboxLifetime[] = [];
    for (const each of lifetimes) {
      if (clock.now() >= checkAt(each) && !isBusy(each.sandbox.sandboxId)) {
        const isEnding = clock.now() < Math.min(each.endsAt, each.idleAt);
        (each.needsSaving && isEnding ? unsaved : expired).push(each);
      }
      if (this.#warned.has(each.sandbox) || clock.now() < each.endsAt - warningMs(each)) continue;
      this.#warned.add(each.sandbox);
      this.#isNearEnd.fire(each);
    }
    this.dispose();
    if (lifetimes.length === 0) return;
    const waits = lifetimes.map((each) => checkAt(each) - clock.now()).filter((ms) => ms > 0);
    this.#cancel = clock.after(Math.min(POLL_INTERVAL_MS, ...waits), () => void this.update());
    await Promise.all([...expired.map(check), ...unsaved.map(save)]);
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

function checkAt({ endsAt, idleAt, needsSaving, named: { profile } }: SandboxLifetime): number {
  const end = Math.min(endsAt, idleAt);
  return needsSaving ? end - Math.min(SAVE_MS, idleTimeoutOf(profile) * SAVE_SHARE) : end + STOP_DELAY_MS;
}

function warningMs({ named }: SandboxLifetime): number {
  return Math.min(WARNING_MS, named.profile.timeoutMs * WARNING_SHARE);
}
