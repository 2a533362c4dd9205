import type { Command, ExecuteOptions, ExecuteResult, SandboxProvider, SpawnedCommand } from '../api/api.ts';

/** What can be asked. Each kind can be answered in advance. */
export type QuestionKind =
  /** What a folder's profile causes, such as costs or the use of a secret. */
  | 'profile'
  /** A start over the budget. */
  | 'budget'
  | 'first-sync'
  | 'credentials'
  | 'huge-sync'
  | 'huge-file'
  | 'mass-deletion'
  | 'remote-changes'
  | 'mirror'
  | 'huge-pull'
  | 'sensitive-pull';

/** A question for the user. */
export interface Question {
  readonly kind: QuestionKind;
  readonly message: string;
  /** More lines. Can be empty. */
  readonly detail: string;
}

export interface QuestionOptions {
  /** Answers in advance. */
  readonly answers?: Readonly<Partial<Record<QuestionKind, boolean>>>;
  /** Asks the user. Resolves with undefined if they cancel. Without it, a question that isn't answered in advance fails. */
  ask?(question: Question): Promise<boolean | undefined>;
  /** Returns a sentence that says how to answer such a question in advance. */
  howToAnswer?(kind: QuestionKind): string;
}

export interface ServiceOptions extends QuestionOptions {
  /** The workspace folder: where `.vscode/modal.json` is. An absolute path. */
  readonly folder: string;
  /** The account: `local`, `environment`, or `profile:NAME`. Defaults to that of Modal's own tools, or else Local Modal. */
  readonly account?: string | undefined;
  /** A profile of the folder. Defaults to the folder's default. */
  readonly profile?: string | undefined;
  /** Values of profile keys that are used instead of the profile's, such as `{ gpu: 'H100' }`. */
  readonly build?: Readonly<Record<string, unknown>>;
  /** Where files are kept. Defaults to the standard folders of this user. */
  readonly folders?: {
    /** What is remembered: sandboxes, answers, records of runs, and Local Modal's data. */
    readonly state: string;
    /** The user's own settings. */
    readonly config: string;
  };
  /** Receives the logs of image builds. */
  onBuildLog?(text: string): void;
}

/** Options of commands in the sandbox of the folder. */
export interface CommandOptions extends ExecuteOptions {
  /** A sandbox to use instead of the folder's own. */
  readonly sandboxId?: string;
  /** False to run without syncing first. */
  readonly sync?: boolean;
}

/** What is known about the folder's sandbox. Times are in milliseconds since 1970. */
export interface SandboxStatus {
  readonly sandboxId: string;
  readonly startedAt: number;
  /** The end of its maximum lifetime. */
  readonly endsAt: number;
  /** It stops after this time without use. */
  readonly idleTimeoutMs: number;
  /** Estimated. Absent if nothing is billed or the price is unknown. */
  readonly pricePerHourUsd?: number;
}

export interface ServiceStatus {
  readonly folder: string;
  readonly account: string;
  readonly isLocal: boolean;
  readonly profile: string;
  /** Undefined if none is running. */
  readonly sandbox: SandboxStatus | undefined;
  /** The estimated cost of sandboxes that were started without a window. */
  readonly spentTodayUsd: number;
}

/**
 * Sandboxes for a folder, without VS Code. Methods reject with a message for users. Processes of this user share the folder's
 * sandbox, which outlives them until its idle timeout.
 */
export interface SandboxService {
  /** Runs a command to its end in the folder's sandbox, which is synced first. Text is run by `sh`. */
  execute(command: Command, options?: CommandOptions): Promise<ExecuteResult>;
  /** Starts a command like `execute`, without waiting for it. */
  spawn(command: Command, options?: CommandOptions): SpawnedCommand;
  /** Sends the folder's changes to its sandbox, which is started if necessary. */
  sync(): Promise<{ readonly files: number; readonly bytes: number; readonly deleted: number }>;
  /** Brings files back, by paths or `.gitignore` patterns. Resolves with the paths that were written. */
  pull(
    patterns: readonly string[],
  ): Promise<{ readonly written: readonly string[]; readonly conflicts: readonly string[] }>;
  /** Saves the files of the folder's sandbox, or of another one. Resolves with the snapshot's ID. */
  snapshot(name: string, sandboxId?: string): Promise<string>;
  /** Starts a second sandbox with the same files. Resolves with its ID, for `sandboxes.connect`. */
  fork(sandboxId?: string): Promise<string>;
  /** Terminates the folder's sandbox, or another one. Resolves with its ID; undefined if none was running. */
  terminate(sandboxId?: string): Promise<string | undefined>;
  status(): Promise<ServiceStatus>;
  /** Any sandboxes: create, connect, resume. */
  readonly sandboxes: SandboxProvider;
  /** Ends what this process does. Sandboxes keep running until their idle timeout. */
  dispose(): Promise<void>;
}
