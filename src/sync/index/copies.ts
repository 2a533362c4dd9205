import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Holding } from './entries.ts';
import { type Kept, readIndex, writeIndex } from './index-file.ts';

/** Indexes kept for one root; older ones are deleted. */
const MAX_KEPT = 8;
const SUFFIX = '.index';

/** What is known about one sandbox's copy of the tree. */
export interface Copy extends Kept {
  generation: string;
  sequence: number;
  holding: Holding;
  /** Generations of pushes whose end is not known; the sandbox may be at any of them. */
  unsettled: string[];
  /** Paths that a program in the sandbox changed since they were sent. */
  readonly changedThere: Set<string>;
  /** A list of changes was taken in whole, so that the next may start where it ended. */
  listed: boolean;
}

/** Stands before a generation in a sandbox from the first thing that its push changes to the last. */
const UNFINISHED = 'dirty.';

/** The generation of a push that began and did not end, when a sandbox's own word tells of one. */
export function unfinishedIn(generation: string): string | undefined {
  return generation.startsWith(UNFINISHED) ? generation.slice(UNFINISHED.length) : undefined;
}

/** The number that a generation starts with; 0 when nothing was sent. */
export function sequenceOf(generation: string): number {
  return Number.parseInt(unfinishedIn(generation) ?? generation, 10) || 0;
}

/** Whether every push to the copy that began is known to have ended. */
export function isSettled({ generation, unsettled }: Copy): boolean {
  return unsettled.length === 0 && unfinishedIn(generation) === undefined;
}

/** The indexes of one root, one for each sandbox, in a folder of the extension's storage. */
export class Copies {
  readonly #folder: string;
  readonly #loaded = new Map<string, Copy>();

  /** `root` is the real path of the local folder. */
  constructor(storageDir: string, root: string, remoteRoot: string) {
    const key = createHash('sha256').update(`${root}\0${remoteRoot}`).digest('hex').slice(0, 24);
    this.#folder = join(storageDir, `sync-${key}`);
  }

  /**
   * The copy in a sandbox. For one that is not known yet the latest of another sandbox is a good guess, as it may be
   * restored from that one's snapshot; not so when it is known to be `fresh`.
   */
  get(sandboxId: string, fresh: boolean): Copy {
    const loaded = this.#loaded.get(sandboxId);
    if (loaded) return loaded;
    const kept = readIndex(this.#path(sandboxId)) ?? (fresh ? undefined : elsewhere(this.#latest()));
    const copy = copyOf(kept);
    this.#loaded.set(sandboxId, copy);
    return copy;
  }

  /** Takes over what is known of a generation from any sandbox's index; false when none has it. */
  adopt(sandboxId: string, generation: string): boolean {
    for (const name of this.#names()) {
      const path = join(this.#folder, name);
      const kept = readIndex(path);
      if (kept?.generation !== generation) continue;
      this.#loaded.set(sandboxId, copyOf(path === this.#path(sandboxId) ? kept : elsewhere(kept)));
      return true;
    }
    return false;
  }

  /** Starts over with what a sandbox is now known to hold. */
  replace(sandboxId: string, kept: Kept | undefined): Copy {
    const copy = copyOf(kept);
    this.#loaded.set(sandboxId, copy);
    return copy;
  }

  /** Writes a copy's index. Throws the file system's error. */
  save(sandboxId: string): void {
    const copy = this.#loaded.get(sandboxId);
    if (!copy) return;
    writeIndex(this.#path(sandboxId), copy);
    for (const old of this.#names().slice(MAX_KEPT)) rmSync(join(this.#folder, old), { force: true });
  }

  /** Bytes of the folder when the user agreed to send it; undefined when they have not. */
  get approvedBytes(): number | undefined {
    try {
      return Number.parseInt(readFileSync(join(this.#folder, 'approved'), 'utf8'), 10) || 0;
    } catch {
      return undefined;
    }
  }

  approve(bytes: number): void {
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(join(this.#folder, 'approved'), String(bytes));
  }

  #latest(): Kept | undefined {
    const [name] = this.#names();
    return name === undefined ? undefined : readIndex(join(this.#folder, name));
  }

  #path(sandboxId: string): string {
    return join(this.#folder, sandboxId.replace(/[^\w-]/g, '_') + SUFFIX);
  }

  /** File names, the latest first. */
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

/** What one sandbox's index says of another one at the same generation. */
function elsewhere(kept: Kept | undefined): Kept | undefined {
  for (const entry of kept?.holding.entries.values() ?? [])
    if (entry.pulled) kept?.holding.set({ ...entry, pulled: false, unsure: true });
  return kept;
}

function copyOf(kept: Kept | undefined): Copy {
  return {
    generation: kept?.generation ?? 'none',
    sequence: kept?.sequence ?? 0,
    holding: kept?.holding ?? new Holding(),
    unsettled: [],
    changedThere: new Set(),
    listed: false,
  };
}
