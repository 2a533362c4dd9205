import type { Folder } from '../sandboxes/folder.ts';
import type { PushResult } from '../sync/engine.ts';
import type { Program } from './runners.ts';

/** Everything that decides a run. Every way to start one builds this and hands it to `Run`. */
export interface RunRequest {
  readonly folder: Folder;
  /** What people call it; names its terminal. */
  readonly label: string;
  /** The programs that can run it, in the order of preference. */
  readonly programs: readonly Program[];
  /** The rest of the command line, after the program's own arguments. */
  readonly args: readonly string[];
  /** More arguments, as typed for a shell: the sandbox's own expands them. */
  readonly shellArgs?: string;
  /** Where it starts, relative to the folder, with `/`; `''` is the folder itself. An absolute path is one in the sandbox. */
  readonly cwd: string;
  /** Environment variables of the program, beside the sandbox's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Without a terminal, stdout and stderr stay apart and nothing is echoed; absent: with one. */
  readonly pty?: boolean;
  /** A file from outside the folder that is written to the sandbox first. */
  readonly copy?: FileCopy;
  /** Whether the folder is sent first; absent: yes. */
  readonly sync?: boolean;
  /** Files that are brought back after the run: patterns in the syntax of .gitignore. */
  readonly pull?: readonly string[];
  /** The profile whose sandbox is used; absent: the one chosen for the folder. */
  readonly profile?: string;
  /** The sandbox to run in; absent: the folder's own. */
  readonly sandboxId?: string;
}

/** A file that is no part of the synced folder. */
export interface FileCopy {
  /** Absolute in the sandbox, outside of the synced folder. */
  readonly path: string;
  readonly content: string;
  /** Says to people why it is a copy that runs. */
  readonly reason: string;
}

/** Where copies of files lie in a sandbox. */
export const COPIES_ROOT = '/tmp/modal-copies';

/** What a run's time went on, in milliseconds. */
export interface RunTimings {
  /** Until there was a sandbox. */
  readonly startMs: number;
  readonly syncMs: number;
  /** From the program's start to its first output; absent when it had none. */
  readonly firstOutputMs?: number;
  /** From the program's start to its end. */
  readonly runMs: number;
}

/** How a run ended. `error` is a sentence for people; then the program was not started, or was lost. */
export interface RunResult {
  readonly exitCode?: number;
  readonly error?: string;
  /** The error is one that choosing another account can mend. */
  readonly needsAccount?: boolean;
  readonly sandboxId?: string;
  /** The name of the profile that the sandbox was started from. */
  readonly profile?: string;
  readonly timings?: RunTimings;
  /** Estimated price of the time from start to end, in US dollars; absent where nothing is billed. */
  readonly costUsd?: number;
}

/** Where a run's words go. */
export interface RunOutput {
  /** A line of our own about what happens. */
  status(line: string): void;
  /** What is being done, replaced by the next word of it or by the next line. */
  progress(line: string): void;
  /** What the sync did; without this it is told in lines of status. */
  synced?(result: PushResult): void;
  /** The program's bytes, as they come; with a terminal, both of its streams. */
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
}

/** The `error` of a run that the user has stopped before its program could end. */
export const CANCELLED = 'Cancelled.';
