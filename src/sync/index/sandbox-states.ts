import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SyncIndex } from './entries.ts';
import { type Generation, interruptedGeneration, NO_GENERATION } from './generation.ts';
import { readIndex, type SavedState, writeIndex } from './index-file.ts';
import { Told } from './told.ts';

/** Indexes stored for one root. Older ones are deleted. */
const MAX_SAVED = 8;
const SUFFIX = '.index';

/** The state of the folder in one sandbox, as far as it is known. */
export interface SandboxState extends SavedState {
  generation: Generation;
  sequence: number;
  index: SyncIndex;
  /** Generations of pushes whose outcome is unknown. The sandbox may be at any of them. */
  unsettled: Generation[];
  /** Paths that a program has changed in the sandbox since they were synced. */
  readonly changedRemotely: Set<string>;
  /** Names the lists of changes that this window asks for. */
  readonly listId: string;
  /** The number of complete lists of changes that were processed. The next one starts where the last one did. */
  lists: number;
}

/** Returns true if the outcome of every push is known. */
export function isSettled({ generation, unsettled }: SandboxState): boolean {
  return unsettled.length === 0 && interruptedGeneration(generation) === undefined;
}

/** The states of one root's sandboxes, with their indexes in a folder of the extension's storage. */
export class SandboxStates {
  readonly #folder: string;
  /** What users were told about the root. */
  readonly told: Told;
  readonly #loaded = new Map<string, SandboxState>();

  readonly #onUnsaved: (error: unknown) => void;

  /** `root` is the real path of the local folder. `onUnsaved` gets the file system's error if nothing can be stored. */
  constructor(storageDir: string, root: string, remoteRoot: string, onUnsaved: (error: unknown) => void = () => {}) {
    this.#onUnsaved = onUnsaved;
    const key = createHash('sha256').update(`${root}\0${remoteRoot}`).digest('hex').slice(0, 24);
    this.#folder = join(storageDir, `sync-${key}`);
    this.told = new Told(join(this.#folder, 'told.json'), onUnsaved);
  }

  /**
   * Returns the state of a sandbox. For an unknown one, the latest index of another sandbox is a good guess because it
   * may be restored from that one's snapshot, unless it is known to be `fresh`.
   */
  get(sandboxId: string, fresh: boolean): SandboxState {
    const loaded = this.#loaded.get(sandboxId);
    if (loaded) return loaded;
    const saved = readIndex(this.#path(sandboxId)) ?? (fresh ? undefined : forOther(this.#latest()));
    const state = stateFrom(saved);
    this.#loaded.set(sandboxId, state);
    return state;
  }

  /** Switches to the index of a generation, from whichever sandbox. Returns false if none describes it. */
  adopt(sandboxId: string, generation: Generation): boolean {
    for (const name of this.#names()) {
      const path = join(this.#folder, name);
      const saved = readIndex(path);
      if (saved?.generation !== generation) continue;
      this.#loaded.set(sandboxId, stateFrom(path === this.#path(sandboxId) ? saved : forOther(saved)));
      return true;
    }
    return false;
  }

  /** Replaces what is known about a sandbox. */
  replace(sandboxId: string, saved: SavedState | undefined): SandboxState {
    const state = stateFrom(saved);
    this.#loaded.set(sandboxId, state);
    return state;
  }

  /** Stores the index of a sandbox. If that isn't possible, the next window asks the sandbox what it contains. */
  save(sandboxId: string): void {
    const state = this.#loaded.get(sandboxId);
    if (!state) return;
    try {
      writeIndex(this.#path(sandboxId), state);
      for (const old of this.#names().slice(MAX_SAVED)) rmSync(join(this.#folder, old), { force: true });
    } catch (error) {
      this.#onUnsaved(error);
    }
  }

  #latest(): SavedState | undefined {
    const [name] = this.#names();
    return name === undefined ? undefined : readIndex(join(this.#folder, name));
  }

  #path(sandboxId: string): string {
    return join(this.#folder, sandboxId.replace(/[^\w-]/g, '_') + SUFFIX);
  }

  /** File names, latest first. */
  #names(): string[] {
    const timeOf = (name: string) => statSync(join(this.#folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(SUFFIX))
        .sort((one, other) => timeOf(other) - timeOf(one));
    } catch {
      return [];
    }
  }
}

/**
 * Adapts one sandbox's index to another sandbox at the same generation, which may lack what was pulled from the first.
 */
function forOther(saved: SavedState | undefined): SavedState | undefined {
  for (const entry of saved?.index.entries.values() ?? [])
    if (entry.pulled) saved?.index.set({ ...entry, pulled: false, uncertain: true });
  return saved;
}

function stateFrom(saved: SavedState | undefined): SandboxState {
  return {
    generation: saved?.generation ?? NO_GENERATION,
    sequence: saved?.sequence ?? 0,
    index: saved?.index ?? new SyncIndex(),
    unsettled: [],
    changedRemotely: new Set(),
    listId: randomUUID().slice(0, 8),
    lists: 0,
  };
}
