import { posix } from 'node:path';
import { quote, shellJoin } from '../base/shell.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { controlPreamble, type TerminalSize } from './control.ts';
import type { RunRequest } from './request.ts';
import type { ProgramCandidate } from './runners.ts';

/** What the wrapper says instead of becoming the program, together with an exit code that few programs have. */
export const WrapperMark = {
  noProgram: '\u001b]7770;no-program\u0007',
  noFolder: '\u001b]7770;no-folder\u0007',
} as const;
export const EXIT_WRAPPER = 127;

/** What a run's wrapper does before it becomes the program. */
export interface Wrapping {
  readonly runId: string;
  /** Absolute. */
  readonly cwd: string;
  /** Shell lines that bring the folder up to date. */
  readonly sync?: string;
  /** More arguments, as typed for a shell. */
  readonly shellArgs: string;
  /** The terminal's size; absent where there is none. */
  readonly size?: TerminalSize;
}

/**
 * The argument vector that runs a program in the sandbox. A small shell wrapper makes the run controllable, takes in
 * what the folder's sync sends along, picks the first program that exists and becomes it.
 */
export function runCommand(
  programs: readonly ProgramCandidate[],
  args: readonly string[],
  wrapping: Wrapping,
): string[] {
  const { runId, cwd, sync, size, shellArgs } = wrapping;
  const choices = programs.map(({ argv, probe }) => {
    const there = `command -v ${quote(argv[0])}${probe ? ` && ${shellJoin(probe)}` : ''}`;
    return `if { ${there}; } >/dev/null 2>&1 </dev/null; then exec ${shellJoin(argv)} "$@"; fi`;
  });
  const script = [
    controlPreamble(runId, size),
    ...(sync === undefined ? [] : [sync]),
    `cd -- ${quote(cwd)} 2>/dev/null || { printf '\\033]7770;no-folder\\007'; exit ${EXIT_WRAPPER}; }`,
    ...(shellArgs ? [`eval 'set -- "$@" '${quote(shellArgs)}`] : []),
    ...choices,
    `printf '\\033]7770;no-program\\007'; exit ${EXIT_WRAPPER}`,
  ].join('\n');
  return ['sh', '-c', script, 'modal-run', ...args];
}

/** What a mark in the place of a program means, in a sentence. */
export function explainMark(
  mark: string | undefined,
  { cwd, programs }: Pick<RunRequest, 'cwd' | 'programs'>,
): string | undefined {
  if (mark === WrapperMark.noProgram) return missingProgram(programs);
  if (mark === WrapperMark.noFolder)
    return `The folder ${posix.resolve(REMOTE_ROOT, cwd)} is not in the sandbox. Check that no ignore rule leaves it out, then run again.`;
  return undefined;
}

function missingProgram(programs: readonly ProgramCandidate[]): string {
  const names = programs.map(({ argv, label }) => label ?? argv[0]);
  const list = names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return `The sandbox’s image has no ${list}. Choose a profile whose image has it, or add it to the profile’s image, then run again.`;
}
