import { changesRules } from '../rules/builtin.ts';

export interface LiveOptions {
  /** Pushes these paths, or everything if undefined. If it fails, `onError` is called and the paths are retried. */
  push(paths: readonly string[] | undefined): Promise<void>;
  onError?(error: unknown): void;
  /** Time without changes that ends a burst. Defaults to 150. */
  readonly quietMs?: number;
  /** The longest that a burst is held back. Defaults to 1000. */
  readonly maxDelayMs?: number;
}

/** With more events than this, a watcher may have dropped some, so a full scan is needed. */
const MAX_BURST_PATHS = 2000;
const RETRY_DELAY_MS = 5000;

/**
 * Gathers changed paths into pushes, as a file watcher reports them. A burst of saves becomes one push, and changes
 * during a push wait for the next one. If events may be incomplete, the whole folder is scanned.
 */
export class LiveSync {
  readonly #options: LiveOptions;
  readonly #dirty = new Set<string>();
  #everything = false;
  #firstAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #pushing: Promise<void> | undefined;
  #stopped = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** Reports a path that was created, changed, or deleted, relative to the root, with `/`. */
  changed(path: string): void {
    if (changesRules(path)) this.#everything = true;
    this.#dirty.add(path);
    this.#schedule();
  }

  /** Reports that events may be missing, because the watcher failed or the computer was asleep. */
  lost(): void {
    this.#everything = true;
    this.#schedule();
  }

  /** Pushes waiting changes now, and resolves when none are left. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#stopped && (this.#pushing || this.#dirty.size > 0 || this.#everything)) await this.#start();
  }

  /** Drops waiting changes. A push in progress still finishes. */
  dispose(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#dirty.clear();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (!this.#timer) this.#firstAt = now;
    const { quietMs = 150, maxDelayMs = 1000 } = this.#options;
    clearTimeout(this.#timer);
    const waitMs = Math.max(Math.min(quietMs, this.#firstAt + maxDelayMs - now), 0);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#start();
    }, waitMs);
  }

  #start(): Promise<void> {
    this.#pushing ??= this.#push().finally(() => {
      this.#pushing = undefined;
      if (this.#dirty.size > 0 || this.#everything) this.#schedule();
    });
    return this.#pushing;
  }

  async #push(): Promise<void> {
    const everything = this.#everything || this.#dirty.size > MAX_BURST_PATHS;
    const paths = [...this.#dirty];
    this.#dirty.clear();
    this.#everything = false;
    try {
      await this.#options.push(everything ? undefined : paths);
    } catch (error) {
      this.#options.onError?.(error);
      // Retried with the next change, or after a while.
      setTimeout(() => {
        if (this.#stopped) return;
        for (const path of paths) this.#dirty.add(path);
        this.#everything ||= everything;
        this.#schedule();
      }, RETRY_DELAY_MS).unref();
    }
  }
}
