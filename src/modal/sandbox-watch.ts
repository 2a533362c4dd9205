import type { FileWatchEvent, Sandbox } from 'modal';
import { type Clock, systemClock } from '../base/clock.ts';
import { isSandboxStopped } from './errors.ts';
import { type AnswerLimits, QUIET_MS } from './exec.ts';
import { limitedFilesystem } from './file-tools.ts';
import type { RemoteChange } from './remote-files.ts';

/**
 * The user's presence at the window. A watching command keeps a sandbox from becoming idle, so it runs only while the
 * user is present.
 */
export interface Attention {
  readonly isAwake: boolean;
  onDidChange(listener: () => void): { dispose(): void };
}

export interface SandboxWatchOptions {
  readonly sandbox: () => Promise<Sandbox>;
  readonly attention: Attention;
  /** Called when the sandbox turns out to have stopped. */
  readonly onGone?: () => void;
  readonly clock?: Clock;
}

/** Changes are collected for this long and reported together. */
const COLLECT_MS = 500;
/** At most this many paths of a batch are checked for existence. */
const MAX_CHECKS = 20;
const CHECK_LIMITS: AnswerLimits = { maxBytes: 64 * 1024, timeoutMs: QUIET_MS };
/** More changes at once are reported as a change of the watched path itself. */
const MAX_COLLECTED = 10_000;
/**
 * A watching command can't be stopped while nothing happens, so each runs for this long, and the next one starts shortly
 * before it ends. None keeps the sandbox awake for long after the user has left.
 */
const WATCH_MS = 120_000;
const OVERLAP_MS = 5_000;
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

interface Watched {
  readonly path: string;
  readonly isRecursive: boolean;
  readonly onChanges: (changes: RemoteChange[]) => void;
  stop: () => void;
}

/**
 * Watches paths of a sandbox while the user is at the window. Paths inside a recursively watched folder need no command of
 * their own. Changes made while watching was paused are reported as a change of the watched path itself.
 */
export class SandboxWatch {
  readonly #options: SandboxWatchOptions;
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  readonly #running = new Set<Watched>();
  /** Watches that have been paused. */
  readonly #paused = new WeakSet<Watched>();
  #listening: { dispose(): void } | undefined;

  constructor(options: SandboxWatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  watch(path: string, isRecursive: boolean, onChanges: (changes: RemoteChange[]) => void): { stop(): void } {
    const watched: Watched = { path, isRecursive, onChanges, stop: () => {} };
    this.#watched.add(watched);
    this.#listening ??= this.#options.attention.onDidChange(() => this.#update());
    this.#update();
    return {
      stop: () => {
        this.#watched.delete(watched);
        watched.stop();
        this.#update();
        if (this.#watched.size > 0) return;
        this.#listening?.dispose();
        this.#listening = undefined;
      },
    };
  }

  #update(): void {
    const { isAwake } = this.#options.attention;
    for (const each of this.#watched) {
      const wanted = isAwake && !this.#isCovered(each);
      if (wanted && !this.#running.has(each)) this.#start(each);
      if (wanted || !this.#running.has(each)) continue;
      each.stop();
      this.#paused.add(each);
    }
  }

  /** True if another watch reports the same changes. Of two equal watches, the second one is covered. */
  #isCovered(watched: Watched): boolean {
    const { path, isRecursive } = watched;
    const all = [...this.#watched];
    return all.some((other, at) => {
      if (other.path !== path) return other.isRecursive && path.startsWith(other.path === '/' ? '/' : `${other.path}/`);
      return other.isRecursive === isRecursive ? at < all.indexOf(watched) : other.isRecursive;
    });
  }

  #start(watched: Watched): void {
    const cancel = new AbortController();
    if (this.#paused.delete(watched)) {
      watched.onChanges(changesOfWhole(watched.path));
    }
    this.#running.add(watched);
    watched.stop = () => {
      this.#running.delete(watched);
      cancel.abort();
    };
    void this.#follow(watched, cancel.signal);
  }

  /** Watches until it's stopped or the sandbox is gone. Retries with increasing delays after failures. */
  async #follow(watched: Watched, signal: AbortSignal): Promise<void> {
    let retryMs = RETRY_MS;
    while (!signal.aborted) {
      try {
        const sandbox = await this.#options.sandbox();
        const over = this.#pause(WATCH_MS - OVERLAP_MS, signal).then(() => true);
        const events = this.#events(sandbox, watched, signal);
        events.catch(() => {});
        if (await Promise.race([events, over])) {
          retryMs = RETRY_MS;
          continue;
        }
      } catch (error) {
        if (!(error instanceof Error)) return;
        if (isSandboxStopped(error)) {
          if (!signal.aborted) this.#options.onGone?.();
          return;
        }
      }
      await this.#pause(retryMs, signal);
      retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
    }
  }

  /** Reports events until the command ends. */
  async #events(sandbox: Sandbox, { path, isRecursive, onChanges }: Watched, signal: AbortSignal): Promise<undefined> {
    const events = sandbox.filesystem.watch(path, {
      recursive: isRecursive,
      filter: ['Create', 'Modify', 'Remove'],
      timeoutMs: WATCH_MS,
    });
    const iterator = events[Symbol.asyncIterator]();
    let collected: FileWatchEvent[] = [];
    let isScheduled = false;
    const report = async () => {
      isScheduled = false;
      const batch = collected;
      collected = [];
      const changes = batch.length < MAX_COLLECTED ? await changesOf(batch, sandbox) : changesOfWhole(path);
      if (changes.length > 0 && !signal.aborted) onChanges(changes);
    };
    const aborted = new Promise<undefined>((resolve) =>
      signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    try {
      for (;;) {
        const next = await Promise.race([iterator.next(), aborted]);
        if (!next || next.done) return undefined;
        if (collected.length < MAX_COLLECTED) collected.push(next.value);
        if (!isScheduled) this.#clock.after(COLLECT_MS, () => void report());
        isScheduled = true;
      }
    } finally {
      if (collected.length > 0) void report();
      void iterator.return?.(undefined)?.catch(() => {});
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }
}

/** Returns the changes that make a reader look at everything below a path again. */
function changesOfWhole(path: string): RemoteChange[] {
  return [
    { kind: 'changed', path },
    { kind: 'created', path },
  ];
}

/**
 * Returns the last change of each path. Renames out of or into the watched folder arrive as `Modify`, so those are
 * checked.
 */
async function changesOf(events: readonly FileWatchEvent[], sandbox: Sandbox): Promise<RemoteChange[]> {
  const kinds = new Map<string, RemoteChange['kind'] | 'unclear'>();
  for (const { eventType, paths } of events) {
    const [first, second] = paths;
    if (first === undefined) continue;
    if (second !== undefined) {
      kinds.set(first, 'deleted');
      kinds.set(second, 'created');
    } else if (eventType === 'Create') kinds.set(first, 'created');
    else if (eventType === 'Remove') kinds.set(first, 'deleted');
    else if (kinds.get(first) !== 'created') kinds.set(first, 'unclear');
  }
  const unclear = [...kinds].filter(([, kind]) => kind === 'unclear').map(([path]) => path);
  const files = await limitedFilesystem(sandbox, CHECK_LIMITS);
  await Promise.all(
    unclear.slice(0, MAX_CHECKS).map(async (path) => {
      const exists = await files.stat(path).then(
        () => true,
        () => false,
      );
      if (!exists) kinds.set(path, 'deleted');
    }),
  );
  return [...kinds].flatMap(([path, kind]): RemoteChange[] =>
    kind === 'unclear'
      ? // It may have been moved here. Reporting it as created is harmless if it's already known.
        [
          { kind: 'changed', path },
          { kind: 'created', path },
        ]
      : [{ kind, path }],
  );
}
