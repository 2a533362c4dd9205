import type { Sandbox } from 'modal';
import type { Connections } from './push/connection.ts';
import type { SyncConsent } from './push/consent.ts';
import type { SizedFile } from './push/prepared.ts';
import type { Ask, OnRemoteChange } from './push/questions.ts';
import type { RunSyncOutcome } from './push/run-preamble.ts';
import type { RuleSettings } from './rules/rules.ts';
import type { Notice } from './scan/notices.ts';
import type { Skipped } from './scan/scan.ts';

export { REMOTE_ROOT } from './rules/builtin.ts';

export interface SyncEngineOptions {
  /** The local folder. */
  readonly root: string;
  /** The folder in which the engine stores its indexes. Must not be inside `root`. */
  readonly storageDir: string;
  /** The absolute path of the folder in the sandbox. Defaults to `REMOTE_ROOT`. */
  readonly remoteRoot?: string;
  readonly rules?: RuleSettings;
  /** Answers the engine's questions. Without it, every question stops the sync. */
  readonly ask?: Ask;
  /** Called before files in a sandbox are deleted or overwritten that the user was asked about. Never throws. */
  beforeLoss?(sandbox: Sandbox): Promise<void>;
  /** Use `never` for sandboxes on this computer. Defaults to `auto`, which depends on the speed of the connection. */
  readonly compression?: 'auto' | 'never';
  /** Connections shared with other engines that work with the same sandboxes. Defaults to the engine's own. */
  readonly connections?: Connections;
  /** The program of the engine's thread. Defaults to the one in the bundle or in this repository. */
  readonly worker?: string | URL;
}

export interface SyncProgress {
  /** While `waiting`, the drive with the folder doesn't answer. */
  readonly stage: 'scanning' | 'waiting' | 'sending' | 'applying' | 'receiving';
  readonly files: number;
  /** Bytes of file contents so far. */
  readonly bytes: number;
  /** Bytes to send in total; 0 if unknown. */
  readonly totalBytes: number;
  /** The path that is being sent or received. */
  readonly path: string;
  readonly bytesPerSecond: number;
}

export interface PushOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
  /** Scans only these paths, for example after a save. Defaults to the whole folder. */
  readonly paths?: readonly string[] | undefined;
  /** The sandbox was just started and has none of this folder, so no index needs to be read. */
  readonly fresh?: boolean | undefined;
  /**
   * More pushes will follow soon, for example after a save. Keeps a process in the sandbox for a minute: sending it a
   * small change takes one request, and an empty push takes none.
   */
  readonly expectMore?: boolean | undefined;
  /** Holds back larger files, which the result lists. A push without a limit sends them. */
  readonly maxFileBytes?: number | undefined;
  /** Changes that would make the script of a prepared run longer are sent before the run. */
  readonly maxScriptChars?: number | undefined;
  readonly ask?: Ask | undefined;
  /** The user's answers about sending this folder to the sandbox's account. Without it, nothing is remembered. */
  readonly consent?: SyncConsent | undefined;
  /** What to do with files that a program changed in the sandbox. Defaults to `replace`; the result lists them. */
  readonly onRemoteChange?: OnRemoteChange | undefined;
}

export interface PushResult {
  readonly files: number;
  /** Bytes of file contents. */
  readonly bytes: number;
  readonly deleted: number;
  readonly durationMs: number;
  readonly skipped: readonly Skipped[];
  /** What the user wasn't told yet. Counts as told, unless more pushes are expected. */
  readonly notices: readonly Notice[];
  /** Paths that weren't sent because they look like credentials. */
  readonly credentials: readonly string[];
  /** Paths that rules exclude but that used to be synced. They stay in the sandbox. */
  readonly released: readonly string[];
  /** Paths where a program's changes in the sandbox were overwritten. */
  readonly replaced: readonly string[];
  /** A few of the sandbox's own links that stand where this folder has folders. Files were written to their targets. */
  readonly writtenThrough: readonly string[];
  /**
   * A few of the sandbox's own files and folders, under their new names, that stood where this folder has something of
   * another kind.
   */
  readonly movedAside: readonly string[];
  /** Files over `LARGE_FILE_BYTES` that were sent. */
  readonly large: readonly SizedFile[];
  /** Files over `maxFileBytes`, which weren't sent. */
  readonly heldBack: readonly SizedFile[];
}

/**
 * The part of a sync that a run carries out: shell lines that precede its command, and a way to report their outcome.
 */
export interface PreparedRun {
  /** Precedes the command's own lines, in `sh`. Prints one mark, which `RunMarkReader` removes from the output. */
  readonly script: string;
  /**
   * Reports the outcome; call it once. Resolves with what the run synced, or what was pushed before it, if the program
   * has started; with undefined if the run must be prepared again.
   */
  settle(outcome: RunSyncOutcome): Promise<PushResult | undefined>;
}
