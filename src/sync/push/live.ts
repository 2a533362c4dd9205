import { changesRules } from '../rules/builtin.ts';

/** Tells what changed under a folder, as an editor's watcher does. Paths relative to the root, with `/`. */
export interface LiveOptions {
  /** Pushes these paths, or everything when there are none. Its failures go to `onError`, and the paths are tried again. */
  push(paths: readonly string[] | undefined): Promise<void>;
  onError?(error: unknown): void;
  /** Quiet time that ends a burst. */
  readonly quietMs?: number;
  /** A burst that does not end is pushed after this time all the same. */
  readonly maxDelayMs?: number;
}

/** A watcher drops events in a flood of this size, so that only a whole scan tells the truth. */
const MAX_BURST_PATHS = 2000;
const RETRY_MS = 5000;

/**
 * Gathers changed paths into pushes: a burst of saves becomes one, only one is under way at a time, and what comes
 * meanwhile waits for the next. Events say where to look; whenever they may be incomplete the whole tree is looked at.
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

  /** A path was created, changed or deleted. */
  changed(path: string): void {
    if (changesRules(path)) this.#everything = true;
    this.#dirty.add(path);
    this.#schedule();
  }

  /** The watcher may have missed something: it failed, or the machine slept. */
  lost(): void {
    this.#everything = true;
    this.#schedule();
  }

  /** Pushes what waits at once, and resolves when nothing waits any more. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#stopped && (this.#pushing || this.#dirty.size > 0 || this.#everything)) await this.#start();
  }

  /** Forgets what waits; a push that is under way ends by itself. */
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
      // The next change, or a while, brings them again.
      setTimeout(() => {
        if (this.#stopped) return;
        for (const path of paths) this.#dirty.add(path);
        this.#everything ||= everything;
        this.#schedule();
      }, RETRY_MS).unref();
    }
  }
}
