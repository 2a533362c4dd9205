import { posix } from 'node:path';
import { quote } from '../../base/shell.ts';
import { type CustomRunners, type ProgramCandidate, runnerOf } from '../runners.ts';
import { withoutModuleSyntax } from './js-modules.ts';
import { NODE_DRIVER } from './node-driver.ts';
import { PYTHON_DRIVER } from './python-driver.ts';

/** A piece of a file, as it stands there. */
export interface Snippet {
  readonly code: string;
  /** Where the file is in the sandbox, or the name of one that is not there. */
  readonly file: string;
  /** The line on which the code begins, from 1. */
  readonly line: number;
  /** VS Code's id of the language. */
  readonly languageId: string;
}

/** A program that runs pieces of files one after the other and keeps what they define. */
export interface Interpreter {
  readonly name: 'Python' | 'Node' | 'Shell';
  /** What stands before the first line of code in the terminal, and before the others. */
  readonly prompts: readonly [first: string, next: string];
  /** The programs that can be it, in the order of preference. */
  programs(custom: CustomRunners, isUvProject: boolean): readonly ProgramCandidate[];
  /** What goes into its pipe for a snippet. `mark` has a `%s` for the exit status, to be printed when it has ended. */
  frame(snippet: Snippet, mark: string): string;
}

const python: Interpreter = {
  name: 'Python',
  prompts: ['>>> ', '... '],
  programs: (custom, isUvProject) => {
    const known = runnerOf({ name: 'code.py', languageId: 'python', firstLine: '', isUvProject }) ?? [];
    return driven(withOwn(custom, ['.py', 'python'], /^python[\d.]*$/, known), '-c', PYTHON_DRIVER);
  },
  frame: ({ code, file, line }, mark) => `${JSON.stringify({ code, file, line, mark })}\n`,
};

const node: Interpreter = {
  name: 'Node',
  prompts: ['> ', '… '],
  programs: (custom) =>
    driven(withOwn(custom, ['.js', 'javascript'], /^node(js)?$/, [{ argv: ['node'] }]), '-e', NODE_DRIVER),
  frame: ({ code, file, line, languageId }, mark) => {
    const isTypeScript = languageId.startsWith('typescript');
    return `${JSON.stringify({ code: withoutModuleSyntax(code), file, line, isTypeScript, mark })}\n`;
  },
};

/**
 * An interactive shell that reads its commands from a pipe: an interrupt then ends all of a snippet, and the shell goes
 * on. The terminal stays the commands' input.
 */
const shell: Interpreter = {
  name: 'Shell',
  prompts: ['$ ', '> '],
  programs: () => {
    const become = (command: string) =>
      `mkfifo -m 600 "$1" && printf "$2" 0 && exec env PS1= PS2= ${command} -i 0<>"$1"`;
    return [
      { argv: ['bash', '-c', become('bash --noprofile --norc --noediting'), 'bash'] },
      { argv: ['busybox', 'sh', '-c', become('busybox sh'), 'sh'], label: 'sh of busybox' },
    ];
  },
  frame: ({ code }, mark) => `eval ${quote(code)} </dev/tty\nprintf ${quote(mark)} "$?"\n`,
};

const BY_LANGUAGE: Readonly<Record<string, Interpreter>> = {
  python,
  javascript: node,
  typescript: node,
  shellscript: shell,
};

/** Languages whose selections can be run, by VS Code language ID. */
export const SELECTION_LANGUAGES: readonly string[] = Object.keys(BY_LANGUAGE);

/** What runs selections of a language; absent for languages whose files can only be run as a whole. */
export function interpreterOf(languageId: string): Interpreter | undefined {
  return Object.hasOwn(BY_LANGUAGE, languageId) ? BY_LANGUAGE[languageId] : undefined;
}

/** The user's own command line, where the interpreter is what it ends with or takes options for. */
function withOwn(
  custom: CustomRunners,
  keys: readonly string[],
  interpreter: RegExp,
  known: readonly ProgramCandidate[],
): readonly ProgramCandidate[] {
  const own = keys
    .map((key) => custom[key])
    .find((argv) => argv?.some((word) => interpreter.test(posix.basename(word))));
  const [program, ...args] = own ?? [];
  return program ? [{ argv: [program, ...args] }] : known;
}

function driven(programs: readonly ProgramCandidate[], flag: string, driver: string): readonly ProgramCandidate[] {
  return programs.map((program) => {
    const [name, ...args] = program.argv;
    return { ...program, label: program.label ?? name, argv: [name, ...args, flag, driver] };
  });
}
