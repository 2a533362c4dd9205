import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import type { Profile } from '../profiles/schema.ts';
import { type Folder, folderProfileKey } from './folder.ts';
import type { Session } from './session.ts';

/** A sandbox that this window started or took over for a folder's profile. */
export interface WindowSandbox {
  readonly folder: Folder;
  /** The profile's name. */
  readonly name: string;
  readonly profile: Profile;
  /** Pending while the sandbox starts. */
  readonly sandbox: Promise<Sandbox>;
  /** Cancels the start. Absent if the sandbox was running already. */
  readonly canceling?: AbortController;
  /** The number of runs that wait for the start. */
  waiting?: number;
  taken?: Session['taken'];
}

/** A window's sandbox that has started. */
export interface RunningWindowSandbox extends Omit<WindowSandbox, 'sandbox'> {
  readonly entry: WindowSandbox;
  readonly sandbox: Sandbox;
}

/** The sandboxes of this window: at most one per folder and profile. */
export class WindowSandboxes {
  /** By folder and profile, least recently used first. */
  readonly #byKey = new Map<string, WindowSandbox>();

  get all(): WindowSandbox[] {
    return [...this.#byKey.values()];
  }

  get(folder: Folder, profileName: string): WindowSandbox | undefined {
    return this.#byKey.get(folderProfileKey(folder, profileName));
  }

  /** Adds or replaces an entry, and marks it as the most recently used. */
  set(entry: WindowSandbox): void {
    const key = folderProfileKey(entry.folder, entry.name);
    this.#byKey.delete(key);
    this.#byKey.set(key, entry);
  }

  delete(entry: WindowSandbox): void {
    for (const [key, each] of this.#byKey) if (each === entry) this.#byKey.delete(key);
  }

  /**
   * Waits until a sandbox has started. If every run that waits for it is canceled, the start is canceled. An entry whose start
   * fails or is canceled is removed. Throws what the start throws, and the signal's reason.
   */
  async wait(entry: WindowSandbox, signal?: AbortSignal): Promise<Sandbox> {
    signal?.throwIfAborted();
    entry.waiting = (entry.waiting ?? 0) + 1;
    try {
      return await untilAborted(entry.sandbox, signal);
    } catch (error) {
      const isAwaited = signal?.aborted && entry.waiting > 1;
      if (!isAwaited) {
        this.delete(entry);
        entry.canceling?.abort();
      }
      throw error;
    } finally {
      entry.waiting -= 1;
    }
  }

  clear(): void {
    this.#byKey.clear();
  }

  /** Returns the entries of a folder, starting ones included. */
  of(folder: Folder): WindowSandbox[] {
    return this.all.filter((each) => each.folder.path === folder.path);
  }

  /** Waits for sandboxes that are starting. Resolves with all that run, or with those of one folder. */
  async running(folder?: Folder): Promise<RunningWindowSandbox[]> {
    return sandboxesOf(folder ? this.of(folder) : this.all, (starting) => starting);
  }

  /** Resolves with those that run already. */
  async started(): Promise<RunningWindowSandbox[]> {
    return sandboxesOf(this.all, (starting) => Promise.race([starting, undefined]));
  }
}

async function sandboxesOf(
  entries: readonly WindowSandbox[],
  wait: (starting: Promise<Sandbox>) => Promise<Sandbox | undefined>,
): Promise<RunningWindowSandbox[]> {
  const settled = entries.map(async (entry) => {
    const sandbox = await wait(entry.sandbox).catch(() => undefined);
    return sandbox ? [{ ...entry, entry, sandbox }] : [];
  });
  return (await Promise.all(settled)).flat();
}
