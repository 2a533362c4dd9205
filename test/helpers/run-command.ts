import { type LateOptions, prepareCommand, type WrapperOptions } from '../../src/run/command.ts';
import type { ProgramCandidate } from '../../src/run/runners.ts';

/** Returns the whole command line of a run whose terminal and sync are known already. */
export function runCommand(
  programs: readonly ProgramCandidate[],
  args: readonly string[],
  options: WrapperOptions & LateOptions,
): string[] {
  return prepareCommand(programs, args, options)(options);
}
