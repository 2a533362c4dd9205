import { type Clock, MINUTE_MS } from '../base/clock.ts';
import type { Disposable } from '../base/events.ts';
import { Helper, type HelperOptions } from './helper.ts';
import { type ListeningPort, watchPorts } from './observers.ts';

/** The helper ends this long after the last of its streams. */
const IDLE_MS = MINUTE_MS;

interface PortWatch {
  readonly listener: (ports: readonly ListeningPort[]) => void;
  readonly keepsOpen: boolean;
  stop: () => void;
}

/** A sandbox's helper: started when it's needed, and ended a minute after nothing holds it any more. */
export class SandboxHub {
  readonly #options: () => Promise<HelperOptions>;
  readonly #clock: Clock;
  readonly #watches = new Set<PortWatch>();
  #starting: Promise<Helper> | undefined;
  #running: Helper | undefined;
  #holds = 0;
  #cancelIdle = () => {};

  constructor(options: () => Promise<HelperOptions>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Returns the running helper, and starts it if needed. Calls share one start. */
  helper(): Promise<Helper> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Keeps the helper running until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    this.#cancelIdle();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      this.#endWhenIdle();
    };
  }

  /** Watches ports whenever the helper runs. With `keepsOpen`, starts it and keeps it running. */
  watchPorts(listener: PortWatch['listener'], keepsOpen: boolean): Disposable {
    const release = keepsOpen ? this.hold() : () => {};
    const watch: PortWatch = { listener, keepsOpen, stop: () => {} };
    this.#watches.add(watch);
    if (this.#running) this.#watch(this.#running, watch);
    // A sandbox that can't run a helper has no ports to tell of.
    else if (keepsOpen) this.helper().catch(() => {});
    return {
      dispose: () => {
        this.#watches.delete(watch);
        watch.stop();
        release();
      },
    };
  }

  close(reason: Error): void {
    this.#cancelIdle();
    this.#starting?.then(
      (helper) => helper.close(reason),
      () => {},
    );
  }

  async #start(): Promise<Helper> {
    try {
      const helper = await Helper.start(await this.#options());
      this.#running = helper;
      for (const each of this.#watches) this.#watch(helper, each);
      const startedAt = this.#clock.now();
      void helper.ended.then(() => {
        if (this.#running !== helper) return;
        this.#forget();
        const mustGoOn = [...this.#watches].some(({ keepsOpen }) => keepsOpen);
        // Not over and over, if it ends at once.
        if (mustGoOn && this.#clock.now() - startedAt > IDLE_MS) this.helper().catch(() => {});
      });
      this.#endWhenIdle();
      return helper;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  #forget(): void {
    this.#running = undefined;
    this.#starting = undefined;
  }

  #watch(helper: Helper, watch: PortWatch): void {
    watch.stop = watchPorts(helper, this.#clock, watch.listener);
  }

  #endWhenIdle(): void {
    this.#cancelIdle();
    const helper = this.#running;
    if (this.#holds > 0 || !helper) return;
    this.#cancelIdle = this.#clock.after(IDLE_MS, () => {
      // Before anything else can get the helper that is about to end.
      this.#forget();
      helper.close(new Error('Nothing uses the helper.'));
    });
  }
}
