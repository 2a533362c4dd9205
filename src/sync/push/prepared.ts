import type { Entry, SyncIndex } from '../index/entries.ts';
import { type Generation, NO_GENERATION } from '../index/generation.ts';
import { isSettled, type SandboxState } from '../index/sandbox-states.ts';
import { foldersOf } from '../rules/git-index.ts';
import type { Exclusion, Scan, Skipped } from '../scan/scan.ts';
import { isEmpty, type Plan } from './plan.ts';

const MAX_EXAMPLES = 10;
/** Files of more are spoken of, and left to a run by live sync. */
export const LARGE_FILE_BYTES = 50_000_000;
/** A folder that was agreed to may grow to this, or to twice its size, without another question. */
const MAX_UNASKED_GROWTH_BYTES = 200_000_000;

/** A file that is large enough to be spoken of. */
export interface SizedFile {
  readonly path: string;
  readonly bytes: number;
}

/** Which copy, and how much of the tree to look at. */
export interface PrepareRequest {
  readonly sandboxId: string;
  /** The sandbox was just started from an image without this folder. */
  readonly fresh: boolean;
  /** Paths to look at; the whole tree when left out. */
  readonly paths?: readonly string[] | undefined;
  /** Paths that are deleted in the sandbox besides. */
  readonly alsoDelete?: readonly string[] | undefined;
  /** Paths to leave as they are in the sandbox. */
  readonly keep?: readonly string[] | undefined;
  /** Larger files are held back. */
  readonly maxFileBytes?: number | undefined;
}

/** What a push would do, in numbers and names for people. */
export interface PreparedPush {
  readonly isEmpty: boolean;
  /** Nothing was sent to this sandbox yet. */
  readonly isFirst: boolean;
  readonly isApproved: boolean;
  /** The generation that the sandbox must be at when nothing is to be sent. */
  readonly generation: Generation;
  /** Whether the end of an earlier push is unknown. */
  readonly isUnsettled: boolean;
  readonly puts: number;
  readonly putBytes: number;
  readonly deletes: number;
  /** A few of the paths that are deleted. */
  readonly deleteExamples: readonly string[];
  /** Files and links that the sandbox holds. */
  readonly syncedCount: number;
  readonly largest: readonly SizedFile[];
  /** Those of more than `LARGE_FILE_BYTES`. */
  readonly large: readonly SizedFile[];
  /** Files that are larger than was asked for, and therefore not part of the push. */
  readonly heldBack: readonly SizedFile[];
  readonly folders: readonly { readonly path: string; readonly files: number; readonly bytes: number }[];
  readonly excluded: readonly Exclusion[];
  readonly credentials: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly released: readonly string[];
  /** Paths that a program in the sandbox changed, which the push would overwrite or delete. */
  readonly overwrites: readonly string[];
}

/** A plan with what a request adds to it and takes from it. */
export function adjust(
  plan: Plan,
  index: SyncIndex,
  { alsoDelete = [], keep = [], maxFileBytes = Number.POSITIVE_INFINITY }: PrepareRequest,
): Plan {
  if (alsoDelete.length === 0 && keep.length === 0 && maxFileBytes === Number.POSITIVE_INFINITY) return plan;
  const kept = new Set(keep);
  const puts = plan.puts.filter(({ path, size }) => !kept.has(path) && size <= maxFileBytes);
  const deletes = [...plan.deletes, ...alsoDelete].filter((path) => !kept.has(path));
  // Folders that only the sandbox has are not in the index; a full one stays.
  const emptied = [...foldersOf(alsoDelete)]
    .filter((folder) => !index.hasFolder(folder))
    .sort()
    .reverse();
  return {
    ...plan,
    puts,
    deletes,
    emptied: [...plan.emptied, ...emptied],
    putBytes: puts.reduce((bytes, { size }) => bytes + size, 0),
    heldBack: plan.puts.filter(({ path, size }) => !kept.has(path) && size > maxFileBytes),
  };
}

/** A plan in numbers and names. `approvedBytes` is what the user agreed to send, if they did. */
export function describe(
  state: SandboxState,
  plan: Plan,
  found: Scan,
  approvedBytes: number | undefined,
): PreparedPush {
  const { puts, deletes } = plan;
  return {
    isEmpty: isEmpty(plan) && plan.released.length === 0 && state.index.pulled.size === 0,
    isFirst: state.generation === NO_GENERATION,
    isApproved: approvedBytes !== undefined && plan.putBytes <= Math.max(2 * approvedBytes, MAX_UNASKED_GROWTH_BYTES),
    generation: state.generation,
    isUnsettled: !isSettled(state),
    puts: puts.length,
    putBytes: plan.putBytes,
    deletes: deletes.length,
    deleteExamples: deletes.slice(0, MAX_EXAMPLES),
    syncedCount: state.index.size,
    largest: [...puts]
      .sort((one, other) => other.size - one.size)
      .slice(0, MAX_EXAMPLES)
      .map(sized),
    large: puts.filter(({ size }) => size > LARGE_FILE_BYTES).map(sized),
    heldBack: plan.heldBack.map(sized),
    folders: topFolders(plan),
    excluded: found.excluded,
    credentials: found.credentials,
    skipped: found.skipped,
    released: plan.released,
    overwrites: [...puts.map(({ path }) => path), ...deletes].filter((path) => state.changedRemotely.has(path)),
  };
}

function sized({ path, size }: Entry): SizedFile {
  return { path, bytes: size };
}

/** The folders at the root with the most bytes to send. */
function topFolders({ puts }: Plan): PreparedPush['folders'] {
  const folders = new Map<string, { files: number; bytes: number }>();
  for (const { path, size } of puts) {
    const slash = path.indexOf('/');
    const name = slash < 0 ? '' : path.slice(0, slash);
    const sum = folders.get(name) ?? { files: 0, bytes: 0 };
    sum.files += 1;
    sum.bytes += size;
    folders.set(name, sum);
  }
  const sorted = [...folders].sort(([, one], [, other]) => other.bytes - one.bytes);
  return sorted.slice(0, MAX_EXAMPLES).map(([path, sum]) => ({ path, ...sum }));
}
