import { controlPreamble, type TerminalSize } from './control.ts';
import type { Program } from './runners.ts';
import { quote, words } from './shell.ts';

/** The wrapper's exit code, together with its mark, when none of the programs is in the sandbox. */
export const EXIT_NO_PROGRAM = 127;
/** Printed alone in that case; a private escape sequence, so that no program prints it by chance. */
export const NO_PROGRAM_MARK = '\u001b]7770;no-program\u0007';

/**
 * The argument vector that runs a program in the sandbox. A small shell wrapper makes the run controllable, picks the
 * first program that exists and becomes it.
 */
export function runCommand(
  runId: string,
  programs: readonly Program[],
  args: readonly string[],
  size?: TerminalSize,
): string[] {
  const choices = programs.map(({ argv, probe }) => {
    const there = `command -v ${quote(argv[0])}${probe ? ` && ${words(probe)}` : ''}`;
    return `if { ${there}; } >/dev/null 2>&1 </dev/null; then exec ${words(argv)} "$@"; fi`;
  });
  const script = [
    controlPreamble(runId, size),
    ...choices,
    `printf '\\033]7770;no-program\\007'; exit ${EXIT_NO_PROGRAM}`,
  ].join('\n');
  return ['sh', '-c', script, 'modal-run', ...args];
}
