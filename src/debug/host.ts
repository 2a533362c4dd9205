import { z } from 'zod';
import type { ActionId } from '../base/errors.ts';
import type { RunFailed, RunResult } from '../run/result.ts';
import type { ChildProcess } from './children.ts';
import type { Message } from './protocol.ts';

/** A program that an adapter asks to be started in a terminal. */
export const TerminalSchema = z.object({
  args: z.tuple([z.string()], z.string()),
  cwd: z.string().optional(),
  env: z.record(z.string(), z.string().nullable()).optional(),
});
export type TerminalArguments = z.infer<typeof TerminalSchema>;

/** A program that runs in a terminal. */
export interface TerminalProgram {
  /** Never rejects. */
  readonly ended: Promise<RunResult>;
  cancel(): void;
}

/** Where a session is shown. */
export interface DebugHost {
  /** Sends a message to the editor. */
  send(message: Message): void;
  /** Starts a program in the sandbox, in a terminal of ours. */
  runInTerminal(program: TerminalArguments, sandboxId: string): TerminalProgram;
  /** Debugs a process that the program has started, in a session of its own. */
  startChild(child: ChildProcess, sandboxId: string): void;
  /** Returns why a file isn't in sandboxes, as a fragment; undefined if it's synced, or nothing is known about it. */
  whyNotSynced(path: string): Promise<string | undefined>;
  /** Shows why debugging has failed, with next steps. */
  showFailure(error: string, actions: readonly ActionId[]): void;
  /** Offers to install the debugger for an interpreter. Resolves with true if it's installed now. */
  installDebugger(python: string, sandboxId: string | undefined): Promise<boolean>;
  /** Offers to sign in again, if that is why nothing has started. Resolves with true if it may start now. */
  recover(result: RunFailed): Promise<boolean>;
}
