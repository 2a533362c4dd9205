import type { Event } from 'vscode';

/** Text that a run put on its terminal: our own lines and the program's, in their order. */
export interface RunOutputEvent {
  readonly runId: string;
  readonly data: string;
}

/** What `activate` returns to other extensions. */
export interface SandboxesApi {
  /** Everything runs write to their terminals. */
  readonly onDidWriteOutput: Event<RunOutputEvent>;
}
