/** VS Code's own `Event`, named here so that the API's types need no `vscode`. */
export type Event<T> = (
  listener: (event: T) => unknown,
  thisArgs?: unknown,
  disposables?: { dispose(): unknown }[],
) => { dispose(): void };

/** Text that a run put on its terminal: our own lines and the program's, in their order. */
export interface RunOutputEvent {
  readonly runId: string;
  readonly data: string;
}

/** A command line: an argument vector, or text for a POSIX shell. */
export type Command = string | readonly string[];

export interface ExecuteOptions {
  /** The program and all it has started are ended after this time; the result says so. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The profile whose sandbox is used; absent: the one chosen for the folder. Not for commands of a sandbox handle. */
  readonly profile?: string;
  /** Where to start; relative to the synced folder, or absolute in the sandbox. */
  readonly cwd?: string;
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
  /** Ends the program; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ExecuteResult {
  /** The exit code; 128 + number for a signal; 124 when the time was over. */
  readonly returncode: number;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether a stream had more than the 16 Mi characters that are kept. */
  readonly truncated: boolean;
  readonly durationSecs: number;
  /** Absent when the time was over before there was a sandbox. */
  readonly sandboxId: string | undefined;
}

/** A program that goes on while the caller does something else. */
export interface SpawnedCommand {
  write(text: string): void;
  endInput(): void;
  /** Ends the program and all it has started, step by step. */
  kill(): void;
  /** Rejects with a sentence when the program could not be started or was lost. */
  wait(): Promise<ExecuteResult>;
}

export interface SandboxOptions {
  /** The profile it is started from, as for the workspace's first folder; absent: the chosen one. */
  readonly profile?: string;
  /** Registry tag, in the place of the profile's image. */
  readonly image?: string;
  /** Whole seconds; absent: the profile's. */
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  /** Ports that `getHost` can name, in the place of the profile's; reachable by everybody on the internet who knows the name. */
  readonly ports?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
  /** Names and values by which it can be found in lists; everybody in the Modal workspace sees them. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SandboxFile {
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** Files of a sandbox, by absolute paths. All reject with a sentence. */
export interface SandboxFiles {
  read(path: string): Promise<Uint8Array>;
  /** Makes the folders above as well. */
  write(path: string, data: string | Uint8Array): Promise<void>;
  writeBatch(files: readonly { readonly path: string; readonly data: string | Uint8Array }[]): Promise<void>;
  makeDir(path: string): Promise<void>;
  list(path: string): Promise<SandboxFile[]>;
  /** A folder with all in it. */
  remove(path: string): Promise<void>;
}

/** One sandbox, whoever started it. */
export interface SandboxHandle {
  readonly id: string;
  readonly commands: {
    run(command: Command, options?: ExecuteOptions): Promise<ExecuteResult>;
    spawn(command: Command, options?: ExecuteOptions): SpawnedCommand;
  };
  readonly files: SandboxFiles;
  /** `host:port` under which a port of `SandboxOptions.ports` is reached. */
  getHost(port: number): Promise<string>;
  getTags(): Promise<Record<string, string>>;
  kill(): Promise<void>;
  /** Snapshots the file system and ends the sandbox. Resolves with what `resume` takes. */
  pause(): Promise<string>;
}

export interface SandboxProvider {
  create(options?: SandboxOptions): Promise<SandboxHandle>;
  connect(sandboxId: string): Promise<SandboxHandle>;
  /** A new sandbox with the files, the ports and the tags of a paused one, as far as the options say nothing else. */
  resume(snapshotId: string, options?: Omit<SandboxOptions, 'image'>): Promise<SandboxHandle>;
}

/**
 * What `activate` returns to other extensions. Nothing works in an untrusted workspace or before the user has chosen an
 * account: the calls then reject with a sentence that can be shown.
 */
export interface SandboxesApi {
  readonly version: 1;
  /** Everything runs write to their terminals. */
  readonly onDidWriteOutput: Event<RunOutputEvent>;
  /**
   * Runs Python code (a string) or an argument vector in the sandbox of the workspace's first folder, synced first as for
   * any run. A time-out is a result that says so; what could not be started rejects with a sentence.
   */
  execute(code: Command, options?: ExecuteOptions): Promise<ExecuteResult>;
  readonly sandboxes: SandboxProvider;
}
