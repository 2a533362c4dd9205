import { posix } from 'node:path';
import { quote } from '../../base/shell.ts';
import type { Projects } from '../projects.ts';
import { type CustomRunners, type ProgramCandidate, pythonPrograms, type ShellScript, shellOf } from '../runners.ts';
import { withoutModuleSyntax } from './js-modules.ts';
import { NODE_DRIVER } from './node-driver.ts';
import { PYTHON_DRIVER } from './python-driver.ts';

/** A piece of a file. */
export interface Snippet {
  readonly code: string;
  /** The file's path in the sandbox, or its name if it isn't synced. */
  readonly file: string;
  /** The first line of the code, starting at 1. */
  readonly line: number;
  /** The VS Code language ID. */
  readonly languageId: string;
}

/** A program that runs snippets one after another and keeps what they define. */
export interface Interpreter {
  readonly name: 'Python' | 'Node' | 'Shell' | 'Zsh';
  /** The prompts shown before the first line of code, and before the others. */
  readonly prompts: readonly [first: string, next: string];
  /** Returns the programs that can serve as the interpreter, in order of preference. */
  programs(custom: CustomRunners, projects: Projects): readonly ProgramCandidate[];
  /** Returns what to write to its pipe for a snippet. `mark`, with the exit status for `%s`, is printed at the end. */
  frame(snippet: Snippet, mark: string): string;
}

const python: Interpreter = {
  name: 'Python',
  prompts: ['>>> ', '... '],
  programs: (custom, projects) => {
    const known = pythonPrograms(projects);
    return withDriver(preferCustom(custom, ['.py', 'python'], /^python[\d.]*$/, known), '-c', PYTHON_DRIVER);
  },
  frame: ({ code, file, line }, mark) => `${JSON.stringify({ code, file, line, mark })}\n`,
};

const node: Interpreter = {
  name: 'Node',
  prompts: ['> ', '… '],
  programs: (custom) =>
    withDriver(preferCustom(custom, ['.js', 'javascript'], /^node(js)?$/, [{ argv: ['node'] }]), '-e', NODE_DRIVER),
  frame: ({ code, file, line, languageId }, mark) => {
    const isTypeScript = languageId.startsWith('typescript');
    return `${JSON.stringify({ code: withoutModuleSyntax(code), file, line, isTypeScript, mark })}\n`;
  },
};

/** Returns a command line that becomes a shell which reads its commands from a pipe. The terminal is their input. */
const become = (command: string) => `mkfifo -m 600 "$1" && printf "$2" 0 && exec env PS1= PS2= ${command} 9<&0 0<>"$1"`;

/**
 * An interactive shell that reads its commands from a pipe, so that an interrupt stops the whole snippet but not the
 * shell. The terminal remains the commands' input, as a descriptor of the shell: gVisor opens /dev/tty only since late 2024.
 */
const shell: Interpreter = {
  name: 'Shell',
  prompts: ['$ ', '> '],
  programs: () => [
    { argv: ['bash', '-c', become('bash --noprofile --norc --noediting -i'), 'bash'] },
    { argv: ['busybox', 'sh', '-c', become('busybox sh -i'), 'sh'], label: 'BusyBox sh' },
  ],
  frame: ({ code }, mark) => `eval ${quote(code)} <&9\nprintf ${quote(mark)} "$?"\n`,
};

/** As `shell`, without editing, `!`, and marks of unfinished lines, which zsh adds when it's interactive. */
const zsh: Interpreter = {
  ...shell,
  name: 'Zsh',
  prompts: ['% ', '> '],
  programs: () => {
    const options = ['interactive_comments', 'no_bang_hist', 'no_prompt_sp', 'no_prompt_cr'];
    const command = `zsh -fis +Z ${options.map((option) => `-o ${option}`).join(' ')}`;
    return [{ argv: ['zsh', '-c', become(command), 'zsh'] }];
  },
};

const BY_LANGUAGE: Readonly<Record<string, Interpreter>> = {
  python,
  javascript: node,
  typescript: node,
  shellscript: shell,
};

/** Languages whose selections can be run, by VS Code language ID. */
export const SELECTION_LANGUAGES: readonly string[] = Object.keys(BY_LANGUAGE);

/** Returns the interpreter for selections in a file; undefined if it can only be run as a whole. */
export function interpreterOf(languageId: string, file: ShellScript = { name: '', text: '' }): Interpreter | undefined {
  const shellName = languageId === 'shellscript' ? shellOf(file) : undefined;
  if (shellName === 'zsh') return zsh;
  if (shellName !== undefined) return undefined;
  return Object.hasOwn(BY_LANGUAGE, languageId) ? BY_LANGUAGE[languageId] : undefined;
}

/** Returns the user's own command line instead, if it runs the interpreter. */
function preferCustom(
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

/** Adds the driver to each program's command line. */
function withDriver(programs: readonly ProgramCandidate[], flag: string, driver: string): readonly ProgramCandidate[] {
  return programs.map((program) => {
    const [name, ...args] = program.argv;
    return { ...program, label: program.label ?? name, argv: [name, ...args, flag, driver] };
  });
}
