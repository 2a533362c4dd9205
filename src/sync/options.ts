import type { Connections } from './push/connection.ts';
import type { SizedFile } from './push/prepared.ts';
import type { OnRemoteChange } from './push/prompts.ts';
import type { Ask } from './push/questions.ts';
import type { RunSyncOutcome } from './push/run-preamble.ts';
import type { RuleSettings } from './rules/rules.ts';
import type { Skipped } from './scan/scan.ts';

/** Where a folder lies in its sandbox. */
export const REMOTE_ROOT = '/workspace';

export interface SyncEngineOptions {
  /** The local folder. */
  readonly root: string;
  /** Where the engine keeps its indexes; never inside `root`. */
  readonly storageDir: string;
  /** The folder in the sandbox, absolute; `REMOTE_ROOT` when absent. */
  readonly remoteRoot?: string;
  readonly rules?: RuleSettings;
  /** Answers what the engine does not decide. Without it every question stops the sync. */
  readonly ask?: Ask;
  /** `never` for a sandbox on this machine. By default it is chosen by what the connection was seen to do. */
  readonly compression?: 'auto' | 'never';
  /** Connections shared with other engines that work with the same sandboxes. Defaults to the engine's own. */
  readonly connections?: Connections;
  /** The program of the engine's thread; found by itself in this repository and in its bundle. */
  readonly worker?: string | URL;
}

export interface SyncProgress {
  readonly stage: 'scanning' | 'sending' | 'applying' | 'receiving';
  readonly files: number;
  /** Bytes of contents so far. */
  readonly bytes: number;
  /** Bytes to send in all; 0 while that is not known. */
  readonly totalBytes: number;
  /** What is being sent or received. */
  readonly path: string;
  readonly bytesPerSecond: number;
}

export interface PushOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
  /** Only these paths are looked at, as for a save; else the whole tree. */
  readonly paths?: readonly string[] | undefined;
  /** The sandbox was just started and has nothing of this folder: saves a look. */
  readonly fresh?: boolean | undefined;
  /**
   * More will follow soon, as after a save: a process is kept in the sandbox for a minute, to which a small change costs
   * one call, and none when there is nothing to send.
   */
  readonly expectMore?: boolean | undefined;
  /** Larger files are held back, as for a save; the result names them, and a push without this sends them. */
  readonly maxFileBytes?: number | undefined;
  readonly ask?: Ask | undefined;
  /** What to do with files that a program in the sandbox changed. `replace` by default; the result names them. */
  readonly onRemoteChange?: OnRemoteChange | undefined;
}

export interface PushResult {
  readonly files: number;
  /** Bytes of contents. */
  readonly bytes: number;
  readonly deleted: number;
  readonly durationMs: number;
  readonly skipped: readonly Skipped[];
  /** What looks like a credential and was not sent. */
  readonly credentials: readonly string[];
  /** Paths that rules leave out by now; their states stay in the sandbox. */
  readonly released: readonly string[];
  /** Paths where a program’s change in the sandbox was overwritten. */
  readonly replaced: readonly string[];
  /** A few links of the sandbox's own where this folder has folders: what lies in these was written behind the links. */
  readonly writtenThrough: readonly string[];
  /** Files of more than `LARGE_FILE_BYTES` that were sent. */
  readonly large: readonly SizedFile[];
  /** Files that were not sent, as they are larger than `maxFileBytes`. */
  readonly heldBack: readonly SizedFile[];
}

/** A run's share in a sync: shell lines before its command, and what to do when their outcome is known. */
export interface PreparedRun {
  /** Put before the command's own lines, in `sh`. Prints one mark, which `RunMarkReader` takes off the output. */
  readonly script: string;
  /**
   * Call it once. Gives what the run carried with it, or what was pushed before it, when the program may count as
   * started; undefined when the run is to be prepared again.
   */
  settle(outcome: RunSyncOutcome): Promise<PushResult | undefined>;
}
