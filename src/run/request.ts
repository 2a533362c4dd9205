import type { Folder } from '../sandboxes/folder.ts';
import type { PushResult } from '../sync/engine.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { RunAgain } from './records/record.ts';
import type { ProgramCandidate, Runner } from './runners.ts';

/** Everything that determines a run. Every way to start one builds this with `runRequest` and hands it to `Run`. */
export interface RunRequest {
  readonly folder: Folder;
  /** Names the run and its terminal. */
  readonly label: string;
  /** In order of preference: the first one that the sandbox has is used. */
  readonly programs: readonly ProgramCandidate[];
  /** The rest of the command line, after the program's own arguments. */
  readonly args: readonly string[];
  /** More arguments, as typed in a shell; the sandbox's shell expands them. */
  readonly shellArgs: string;
  /**
   * The working directory: relative to the folder, with `/` (`''` is the folder itself), or absolute in the sandbox.
   */
  readonly cwd: string;
  /** Environment variables, in addition to the sandbox's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the program in a terminal. Otherwise stdout and stderr stay separate and input isn't echoed. */
  readonly pty: boolean;
  /** The program outlives the window. It has no terminal and no input. */
  readonly detach: boolean;
  /** The program's input, instead of the keyboard's. */
  readonly input: AsyncIterable<Uint8Array> | undefined;
  /** A file from outside the folder, written to the sandbox before the program starts. */
  readonly copy: FileCopy | undefined;
  /** Syncs the folder first. */
  readonly sync: boolean;
  /** Files to pull after the run, as `.gitignore` patterns. */
  readonly pull: readonly string[];
  /** The profile to use; undefined for the folder's current one. */
  readonly profile: string | undefined;
  /** The sandbox to run in; undefined for the folder's own. */
  readonly sandboxId: string | undefined;
  /** The streams whose text its record has. With `none`, it leaves no record, because it isn't a run to users. */
  readonly record: 'both' | 'stdout' | 'none';
  /** How to start it again from its record; undefined if only its caller can. */
  readonly again: RunAgain | undefined;
}

const DEFAULTS = {
  args: [],
  shellArgs: '',
  cwd: '',
  env: {},
  pty: true,
  detach: false,
  input: undefined,
  copy: undefined,
  sync: true,
  pull: [],
  profile: undefined,
  sandboxId: undefined,
  record: 'both',
  again: undefined,
} satisfies Partial<RunRequest>;

type RequiredFields = Omit<RunRequest, keyof typeof DEFAULTS>;

/** Completes a request with the defaults: in a terminal, in the folder's own sandbox, synced first. */
export function runRequest(parts: RequiredFields & Partial<RunRequest>): RunRequest {
  return { ...DEFAULTS, ...parts, ...(parts.detach && { pty: false }) };
}

/** Returns the request for a file, given by its path in the folder. */
export function fileRequest(folder: Folder, path: string, runner: Runner, args: readonly string[]): RunRequest {
  const { folder: cwd, args: what } = runner.instead ?? { folder: '', args: [`${REMOTE_ROOT}/${path}`] };
  return runRequest({ folder, label: path, programs: runner.programs, args: [...what, ...args], cwd });
}

/** A file that isn't part of the synced folder. */
export interface FileCopy {
  /** Absolute in the sandbox, outside the synced folder. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Explains to users why a copy is run. */
  readonly reason: string;
}

/** The folder in a sandbox for copies of files. */
export const COPIES_ROOT = '/tmp/modal-copies';

/** Receives everything that a run shows. */
export interface RunOutput {
  /** Set if no terminal has to show the output; it then arrives as fast as the program prints it. */
  readonly isUnpaced?: boolean;
  /** If it's unpaced: resolves once more output is wanted. The rest waits in the program's own pipe. */
  room?(): Promise<void> | undefined;
  /** Shows a line of our own. */
  status(line: string): void;
  /** Shows the current step, until the next step or line replaces it. */
  progress(line: string): void;
  /** Called when the program is about to start. */
  started?(): void;
  /** Receives the result of the sync. Without this, it's reported as status lines. */
  synced?(result: PushResult): void;
  /** Receives the program's bytes as they arrive; in a terminal, those of both streams. */
  stdout(bytes: Uint8Array): void;
  stderr(bytes: Uint8Array): void;
}
