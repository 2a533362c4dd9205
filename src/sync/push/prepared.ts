import type { Entry, SyncIndex } from '../index/entries.ts';
import { type Generation, NO_GENERATION } from '../index/generation.ts';
import { isSettled, type SandboxState } from '../index/sandbox-states.ts';
import { foldersOf } from '../rules/git-index.ts';
import type { Rules } from '../rules/rules.ts';
import { type Notice, notice, skippedNotice } from '../scan/notices.ts';
import type { Exclusion, Scan, Skipped } from '../scan/scan.ts';
import { isEmpty, type Plan } from './plan.ts';

const MAX_EXAMPLES = 10;
/** Files over this size are reported, and skipped by live sync. */
export const LARGE_FILE_BYTES = 50_000_000;

/** A push of more files is asked about. */
export const MANY_FILES = 20_000;

/** A file that is large enough to be reported. */
export interface SizedFile {
  readonly path: string;
  readonly bytes: number;
}

/** A folder, and the number of files to send below it. */
export interface Crowded {
  readonly path: string;
  readonly files: number;
}

/** The sandbox to prepare a push for, and the part of the folder to push. */
export interface PrepareRequest {
  readonly sandboxId: string;
  /** The sandbox was just started from an image that doesn't contain this folder. */
  readonly fresh: boolean;
  /** Paths to scan. Defaults to the whole folder. */
  readonly paths?: readonly string[] | undefined;
  /** More paths to delete in the sandbox. */
  readonly alsoDelete?: readonly string[] | undefined;
  /** Paths to leave unchanged in the sandbox. */
  readonly keep?: readonly string[] | undefined;
  /** Hold back files over this size. */
  readonly maxFileBytes?: number | undefined;
}

/** A summary of what a push would do, for questions and reports. */
export interface PreparedPush {
  readonly isEmpty: boolean;
  /** True if nothing was sent to this sandbox yet. */
  readonly isFirst: boolean;
  /** The generation that the sandbox must be at if the push is empty. */
  readonly generation: Generation;
  /** True if the outcome of an earlier push is unknown. */
  readonly isUnsettled: boolean;
  readonly puts: number;
  readonly putBytes: number;
  readonly deletes: number;
  /** A few of the paths to delete. */
  readonly deleteExamples: readonly string[];
  /** The number of entries that the sandbox holds. */
  readonly syncedCount: number;
  readonly largest: readonly SizedFile[];
  /** Files over `LARGE_FILE_BYTES`. */
  readonly large: readonly SizedFile[];
  /** Files over the request's size limit, which aren't part of the push. */
  readonly heldBack: readonly SizedFile[];
  /** The top-level folders with the most bytes to send. The path of the root's own files is empty. */
  readonly folders: readonly { readonly path: string; readonly files: number; readonly bytes: number }[];
  /** The deepest folder with most of the files to send, if they are more than `MANY_FILES`, as data usually is. */
  readonly crowded: Crowded | undefined;
  readonly excluded: readonly Exclusion[];
  readonly credentials: readonly string[];
  /** Paths to send although they look like credentials, because a rule names them. */
  readonly namedCredentials: readonly string[];
  /** Those of `namedCredentials` that only the folder's own rules name, and not the user's own settings. */
  readonly credentialsToConfirm: readonly string[];
  /** Paths that aren't synced, for reasons that may pass. */
  readonly skipped: readonly Skipped[];
  /** What the user wasn't told yet. */
  readonly notices: readonly Notice[];
  readonly released: readonly string[];
  /** Paths that a program changed in the sandbox and that the push would overwrite or delete. */
  readonly overwrites: readonly string[];
}

/** Applies a request's additions and limits to a plan. */
export function adjust(
  plan: Plan,
  index: SyncIndex,
  { alsoDelete = [], keep = [], maxFileBytes = Number.POSITIVE_INFINITY }: PrepareRequest,
): Plan {
  if (alsoDelete.length === 0 && keep.length === 0 && maxFileBytes === Number.POSITIVE_INFINITY) return plan;
  const kept = new Set(keep);
  const puts = plan.puts.filter(({ path, size }) => !kept.has(path) && size <= maxFileBytes);
  const deletes = [...plan.deletes, ...alsoDelete].filter((path) => !kept.has(path));
  // Folders that exist only in the sandbox aren't in the index. A non-empty one stays.
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

/** Summarizes a plan. */
export function describe(
  state: SandboxState,
  plan: Plan,
  found: Scan,
  rules: Rules,
  isTold: (key: string) => boolean,
): PreparedPush {
  const { puts, deletes } = plan;
  const crowded = crowdedFolder(puts);
  const namedCredentials = rules.credentialsAmong(puts.map(({ path }) => path));
  return {
    isEmpty: isEmpty(plan) && plan.released.length === 0 && state.index.pulled.size === 0,
    isFirst: state.generation === NO_GENERATION,
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
    crowded,
    excluded: found.excluded,
    credentials: found.credentials,
    namedCredentials,
    credentialsToConfirm: namedCredentials.filter((path) => !rules.isNamedByUser(path)),
    skipped: found.skipped.filter(({ isLasting }) => !isLasting),
    notices: [
      ...found.skipped.filter(({ isLasting }) => isLasting).map(skippedNotice),
      ...found.notices,
      ...(crowded ? [notice('crowded', `${crowded.path}/`)] : []),
    ].filter(({ key }) => !isTold(key)),
    released: plan.released,
    overwrites: [...puts.map(({ path }) => path), ...deletes].filter((path) => state.changedRemotely.has(path)),
  };
}

function sized({ path, size }: Entry): SizedFile {
  return { path, bytes: size };
}

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

function crowdedFolder(puts: Plan['puts']): Crowded | undefined {
  if (puts.length <= MANY_FILES) return undefined;
  let found: Crowded | undefined;
  for (let below = puts; ; ) {
    const start = found ? found.path.length + 1 : 0;
    const counts = new Map<string, number>();
    for (const { path } of below) {
      const end = path.indexOf('/', start);
      if (end > 0) counts.set(path.slice(0, end), (counts.get(path.slice(0, end)) ?? 0) + 1);
    }
    const [path, files] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most), ['', 0]);
    if (files * 2 <= puts.length) return found;
    found = { path, files };
    below = below.filter((put) => put.path.startsWith(`${path}/`));
  }
}
