/** A way to run a file: programs in the order of preference, each with the arguments that come before the file. */
export interface Runner {
  readonly programs: readonly (readonly [program: string, ...args: string[]])[];
}

/** Runners by VS Code language id. */
const RUNNERS: Readonly<Record<string, Runner>> = {
  // -u: output appears as it is printed.
  python: {
    programs: [
      ['python3', '-u'],
      ['python', '-u'],
    ],
  },
  javascript: { programs: [['node']] },
  typescript: { programs: [['tsx'], ['deno', 'run', '--allow-all'], ['bun'], ['node', '--experimental-strip-types']] },
  shellscript: { programs: [['bash'], ['sh']] },
};

/** Languages whose files can be run. */
export const RUNNABLE_LANGUAGES: readonly string[] = Object.keys(RUNNERS);

/** The runner of a language; absent when it has none. */
export function runnerOf(languageId: string): Runner | undefined {
  return RUNNERS[languageId];
}
