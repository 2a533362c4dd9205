/** A program that runs in a sandbox. */
export interface RunningCommand {
  readonly runId: string;
  readonly sandboxId: string;
  /** What people call it. */
  readonly label: string;
}

/** What this window runs, and where. */
export class RunningCommands {
  readonly #running = new Set<RunningCommand>();
  readonly #listeners = new Set<() => void>();

  /** Calls `listener` after a program has started or ended. */
  readonly onDidChange = (listener: () => void): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  get all(): RunningCommand[] {
    return [...this.#running];
  }

  in(sandboxId: string): RunningCommand[] {
    return [...this.#running].filter((command) => command.sandboxId === sandboxId);
  }

  /** Notes a program that has started. Returns what notes its end. */
  add(command: RunningCommand): () => void {
    this.#running.add(command);
    this.#tell();
    return () => {
      this.#running.delete(command);
      this.#tell();
    };
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
