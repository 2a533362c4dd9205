import type { AdapterLink, LinkListener } from './adapter-link.ts';
import type { DebugHost } from './host.ts';
import type { SourcePaths } from './source-paths.ts';

/** Where a debug session is shown, and what it debugs. */
export interface DebugSessionOptions {
  readonly host: DebugHost;
  /** Says what is being started. */
  readonly title: string;
  /** Returns the paths of the program that runs in a sandbox. Called once the adapter has sent something. */
  paths(sandboxId: string): SourcePaths;
  /** Starts the adapter. */
  start(listener: LinkListener): AdapterLink;
  /** What the adapter can do, so that the editor needn't wait for the sandbox to hear it. Absent if only the adapter knows. */
  readonly capabilities?: Readonly<Record<string, unknown>> | undefined;
  /** Set if the adapter leaves the program in a terminal to the session, which ends with it, and ends it. */
  readonly endsWithTerminal?: boolean | undefined;
  /** The time that the adapter has to say something. Defaults to a minute. */
  readonly startTimeoutMs?: number | undefined;
  /** Returns the arguments with which the adapter starts or attaches to the program, given what the adapter's program said. */
  startArguments(said: unknown): Record<string, unknown>;
}
