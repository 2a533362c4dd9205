import { Emitter } from '../base/events.ts';

/** A program that is running in a sandbox. */
export interface RunningCommand {
  readonly runId: string;
  readonly sandboxId: string;
  /** The label of its run. */
  readonly label: string;
}

/** The programs that this window is running in sandboxes. */
export class RunningCommands {
  readonly #running = new Set<RunningCommand>();
  readonly #changed = new Emitter<void>();

  /** Fires after a program has started or ended. */
  readonly onDidChange = this.#changed.event;

  get all(): RunningCommand[] {
    return [...this.#running];
  }

  in(sandboxId: string): RunningCommand[] {
    return [...this.#running].filter((command) => command.sandboxId === sandboxId);
  }

  /** Adds a program that has started. Returns a function that removes it. */
  add(command: RunningCommand): () => void {
    this.#running.add(command);
    this.#changed.fire();
    return () => {
      this.#running.delete(command);
      this.#changed.fire();
    };
  }
}
