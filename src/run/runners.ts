/** A program that may run a file, with the arguments that come before the file. */
export interface Program {
  readonly argv: readonly [program: string, ...args: string[]];
  /** What people call it, where that is more than the program's name. */
  readonly label?: string;
  /** A command that succeeds only where the program can do it, when being there is not enough. */
  readonly probe?: readonly string[];
}

/** What runs a file, in the order of preference, by VS Code language id. */
const RUNNERS: Readonly<Record<string, readonly Program[]>> = {
  // -u: output appears as it is printed.
  python: [{ argv: ['python3', '-u'] }, { argv: ['python', '-u'] }],
  javascript: [{ argv: ['node'] }],
  typescript: [
    { argv: ['tsx'] },
    { argv: ['deno', 'run', '--allow-all'] },
    { argv: ['bun'] },
    {
      argv: ['node', '--experimental-strip-types'],
      label: 'node 22.6 or later',
      probe: ['node', '--experimental-strip-types', '-e', ''],
    },
  ],
  shellscript: [{ argv: ['bash'] }, { argv: ['sh'] }],
};

/** Languages whose files can be run. */
export const RUNNABLE_LANGUAGES: readonly string[] = Object.keys(RUNNERS);

/** The programs that run files of a language; absent when it has none. */
export function runnerOf(languageId: string): readonly Program[] | undefined {
  return Object.hasOwn(RUNNERS, languageId) ? RUNNERS[languageId] : undefined;
}
