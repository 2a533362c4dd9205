/** Has the shape of VS Code's `Event`, so that the API's types don't depend on `vscode`. */
export type Event<T> = (
  listener: (event: T) => unknown,
  thisArgs?: unknown,
  disposables?: { dispose(): unknown }[],
) => { dispose(): void };

/** Text that a run wrote to its terminal: the program's output and the extension's own lines, in order. */
export interface RunOutputEvent {
  readonly runId: string;
  readonly data: string;
}

/** A command line: an argument vector, or code as text. What runs text depends on the function that takes it. */
export type Command = string | readonly string[];

export interface ExecuteOptions {
  /** Stops the program and its child processes after this time. The result then has `timedOut` set. */
  readonly timeoutMs?: number;
  /** Environment variables, in addition to the sandbox's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** The profile to use. Defaults to the folder's current profile. Ignored for the commands of a sandbox handle. */
  readonly profile?: string;
  /** The working directory: relative to the synced folder, or absolute in the sandbox. */
  readonly cwd?: string;
  /** Called with each piece of output as it arrives. */
  readonly onStdout?: (text: string) => void;
  /** Called with each piece of error output as it arrives. */
  readonly onStderr?: (text: string) => void;
  /** Stops the program when aborted. The call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ExecuteResult {
  /** The exit code: 128 + the signal's number after a signal, 124 after a timeout, -1 if stopped before the program ran. */
  readonly returncode: number;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** True if `stdout` or `stderr` was cut off at 16 Mi characters. */
  readonly truncated: boolean;
  readonly durationSecs: number;
  /** Undefined if the command ended before a sandbox was available. */
  readonly sandboxId: string | undefined;
}

/** A program that runs in the background. */
export interface SpawnedCommand {
  /** Writes to the program's input. Text written before the program starts waits for it. */
  write(text: string): void;
  /** Closes the program's input. */
  endInput(): void;
  /** Stops the program and its child processes, first by an interrupt and then by force. */
  kill(): void;
  /** Resolves when the program has ended. Rejects with a message for users if it couldn't be started or was lost. */
  wait(): Promise<ExecuteResult>;
}

export interface SandboxOptions {
  /** A profile of the workspace's first folder. Defaults to the folder's current profile. */
  readonly profile?: string;
  /** A registry tag, used instead of the profile's image. */
  readonly image?: string;
  /** The maximum lifetime, in milliseconds; must be whole seconds. Defaults to the profile's. */
  readonly timeoutMs?: number;
  /** Stops the sandbox after this time without use, in milliseconds; must be whole seconds. Defaults to the profile's. */
  readonly idleTimeoutMs?: number;
  /** Ports to expose, instead of the profile's; see `getHost`. Anyone on the internet who knows the host can connect. */
  readonly ports?: readonly number[];
  /** Environment variables, in addition to the profile's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Tags by which the sandbox can be found. They are visible to everyone in the Modal workspace. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SandboxFile {
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** In bytes. */
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** The files of a sandbox, by absolute path. All methods reject with a message for users. */
export interface SandboxFiles {
  /** Reads a file of at most 256 MiB. */
  read(path: string): Promise<Uint8Array>;
  /** Writes a file, creating its parent folders as needed. */
  write(path: string, data: string | Uint8Array): Promise<void>;
  /** Writes several files in parallel. */
  writeBatch(files: readonly { readonly path: string; readonly data: string | Uint8Array }[]): Promise<void>;
  /** Creates a folder and its parents. */
  makeDir(path: string): Promise<void>;
  list(path: string): Promise<SandboxFile[]>;
  /** Deletes a file, or a folder and its contents. */
  remove(path: string): Promise<void>;
}

/** A port of this computer that leads to one of a sandbox. Only programs on this computer can use it. */
export interface ForwardedPort {
  /** The port on 127.0.0.1. It may differ from the one in the sandbox. */
  readonly port: number;
  /** The address of an HTTP server on the port. */
  readonly url: string;
  /** Stops forwarding. Otherwise, that ends with the sandbox or the window. */
  dispose(): void;
}

/** A running sandbox. */
export interface SandboxHandle {
  readonly id: string;
  /** Run commands. Text is run by `sh`; the working directory defaults to `/`. */
  readonly commands: {
    /** Runs a command to its end. */
    run(command: Command, options?: ExecuteOptions): Promise<ExecuteResult>;
    /** Starts a command without waiting for it. */
    spawn(command: Command, options?: ExecuteOptions): SpawnedCommand;
  };
  readonly files: SandboxFiles;
  /**
   * Returns the public `host:port` of a port in `SandboxOptions.ports`. On Local Modal, it's a port of this computer, and HTTP
   * needs the token in `getUrl`.
   */
  getHost(port: number): Promise<string>;
  /** Returns the URL of a port for HTTP. On Local Modal, it contains a token, without which the port can't be used. */
  getUrl(port: number): Promise<string>;
  /**
   * Forwards any port of the sandbox to this computer, also one that isn't in `SandboxOptions.ports`. It works without network
   * access, and for every protocol over TCP. The image needs Python 3, Node.js, or Perl.
   */
  forward(port: number): Promise<ForwardedPort>;
  getTags(): Promise<Record<string, string>>;
  /** Terminates the sandbox. */
  kill(): Promise<void>;
  /** Takes a snapshot of the file system and terminates the sandbox. Resolves with the value to pass to `resume`. */
  pause(): Promise<string>;
}

export interface SandboxProvider {
  /**
   * Starts a sandbox. It isn't synced with any folder, and isn't stopped with the window: call `kill`, or it runs until its
   * idle timeout.
   */
  create(options?: SandboxOptions): Promise<SandboxHandle>;
  /** Returns a handle to a running sandbox, no matter who started it. */
  connect(sandboxId: string): Promise<SandboxHandle>;
  /** Starts a sandbox with the files of a paused one, and with its ports and tags unless overridden by the options. */
  resume(snapshotId: string, options?: Omit<SandboxOptions, 'image'>): Promise<SandboxHandle>;
}

/**
 * What `activate` returns to other extensions. In untrusted workspaces, and before the user has chosen an account, calls
 * reject with a message that can be shown to users.
 */
export interface SandboxesApi {
  readonly version: 1;
  /** Fires for everything that runs write to their terminals. */
  readonly onDidWriteOutput: Event<RunOutputEvent>;
  /**
   * Runs Python code (a string) or an argument vector in the sandbox of the workspace's first folder, which is synced
   * first. A timeout is reported in the result. Rejects with a message for users if the program couldn't be started.
   */
  execute(code: Command, options?: ExecuteOptions): Promise<ExecuteResult>;
  readonly sandboxes: SandboxProvider;
}
