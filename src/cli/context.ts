import type { Service } from '../service/service.ts';
import type { QuestionKind } from '../service/types.ts';
import type { Flags } from './flags.ts';
import type { Output } from './output.ts';

/** What a command gets. */
export interface Context {
  readonly flags: Flags;
  readonly args: readonly string[];
  /** Where the user is. */
  readonly cwd: string;
  readonly output: Output;
  /** Aborted by the first Ctrl+C, or another signal that ends programs. */
  readonly signal: AbortSignal;
  /** The service of the folder, which is created when it's first needed. */
  service(): Promise<Service>;
}

/** Answers in advance, by kind of question. */
export type Answers = Partial<Record<QuestionKind, boolean>>;
