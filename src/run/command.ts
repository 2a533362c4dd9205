import type { Program } from './runners.ts';

/** The wrapper's exit code, together with its mark, when none of a runner's programs is in the sandbox. */
export const EXIT_NO_PROGRAM = 127;
/** Printed alone in that case; a private escape sequence, so that no program prints it by chance. */
export const NO_PROGRAM_MARK = '\u001b]7770;no-program\u0007';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Where the wrapper keeps the process group of a run, for `killCommand`. */
function pidFile(runId: string): string {
  return `/tmp/.modal-run-${runId}`;
}

/**
 * The argument vector that runs a program in the sandbox. A small shell wrapper notes its process id (Modal has no call to
 * kill an exec), gives the terminal its size (Modal starts every one at 24 × 80), picks the first program that exists
 * and becomes it.
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
    `echo $$ > ${pidFile(runId)}`,
    ...(size ? [`stty rows ${size.rows} cols ${size.columns} 2>/dev/null`] : []),
    ...choices,
    `printf '\\033]7770;no-program\\007'; exit ${EXIT_NO_PROGRAM}`,
  ].join('\n');
  return ['sh', '-c', script, 'modal-run', ...args];
}

/** Ends a run's whole process group: TERM, and KILL for what is left after two seconds. */
export function killCommand(runId: string): string[] {
  const script = `
    pid=$(cat ${pidFile(runId)}) || exit 0
    group="-$pid"; kill -0 -- "$group" 2>/dev/null || group=$pid
    kill -TERM -- "$group" 2>/dev/null || exit 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; kill -0 -- "$group" 2>/dev/null || exit 0; done
    kill -KILL -- "$group" 2>/dev/null`;
  return ['sh', '-c', script];
}

/** Quotes a word for a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function words(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}
