/** A program that can run a file if the sandbox has it. */
export interface ProgramCandidate {
  /** The program, and the arguments that come before the file. */
  readonly argv: readonly [program: string, ...args: string[]];
  /** Its name in messages. Defaults to the program's name. */
  readonly label?: string;
  /** A command that succeeds only if the program is suitable, for when its existence isn't enough. */
  readonly probe?: readonly string[];
}

/** The programs that run a language's files, in order of preference, by VS Code language ID. */
const RUNNERS: Readonly<Record<string, readonly ProgramCandidate[]>> = {
  // -u: don't buffer output.
  python: [{ argv: ['python3', '-u'] }, { argv: ['python', '-u'] }],
  javascript: [{ argv: ['node'] }],
  typescript: [
    { argv: ['tsx'] },
    { argv: ['deno', 'run', '--allow-all'] },
    { argv: ['bun'] },
    {
      argv: ['node', '--experimental-strip-types'],
      label: 'Node.js 22.6 or later',
      probe: ['node', '--experimental-strip-types', '-e', ''],
    },
  ],
  shellscript: [{ argv: ['bash'] }, { argv: ['sh'] }],
  r: [{ argv: ['Rscript'] }],
  julia: [{ argv: ['julia'] }],
  ruby: [{ argv: ['ruby'] }],
  go: [{ argv: ['go', 'run'] }],
  perl: [{ argv: ['perl'] }],
  php: [{ argv: ['php'] }],
  lua: [{ argv: ['lua'] }],
};

/** VS Code language IDs with a built-in runner. */
export const RUNNABLE_LANGUAGES: readonly string[] = Object.keys(RUNNERS);

/** File extensions by VS Code language ID, for programs that depend on them. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  python: '.py',
  javascript: '.js',
  typescript: '.ts',
  shellscript: '.sh',
  r: '.R',
  julia: '.jl',
  ruby: '.rb',
  go: '.go',
  perl: '.pl',
  php: '.php',
  lua: '.lua',
};

/** Returns a file name with its language's extension, if it has none. */
export function fileNameFor(name: string, languageId: string): string {
  return extensionOf(name) === '' ? name + (entryOf(EXTENSIONS, languageId) ?? '') : name;
}

/** The user's own runners: command lines by language ID, or by file extension with its dot. */
export type CustomRunners = Readonly<Record<string, readonly string[]>>;

export interface FileToRun {
  readonly name: string;
  readonly languageId: string;
  readonly firstLine: string;
  /** True in a uv project, which has its own environment. */
  readonly isUvProject: boolean;
}

/**
 * Returns the programs that can run a file: the user's own for its extension or language, its `#!` line if the language
 * doesn't decide, and the language's built-in ones. Undefined if there are none.
 */
export function runnerOf(file: FileToRun, custom: CustomRunners = {}): readonly ProgramCandidate[] | undefined {
  const own = entryOf(custom, extensionOf(file.name)) ?? entryOf(custom, file.languageId);
  if (own && isCommand(own)) return [{ argv: own }];
  const known = entryOf(RUNNERS, file.languageId);
  const shebang = shebangOf(file.firstLine);
  // The shebang selects between shells; in Python or Ruby files, it's only about the author's computer.
  if (shebang && (!known || file.languageId === 'shellscript')) return [{ argv: shebang }, ...(known ?? [])];
  if (known && file.languageId === 'python' && file.isUvProject) {
    return [{ argv: ['uv', 'run', 'python', '-u'] }, ...known];
  }
  return known;
}

/** Looks up an own property: a language might be called `constructor`. */
function entryOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** Returns a file name's extension with its dot; `''` if it has none. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot) : '';
}

/** Returns the command line of a `#!` line, without `env`: the wrapper looks programs up as well. */
function shebangOf(line: string): [string, ...string[]] | undefined {
  const words = /^#!\s*(.+?)\s*$/.exec(line)?.[1]?.split(/\s+/) ?? [];
  if (/(?:^|\/)env$/.test(words[0] ?? '')) words.splice(0, words[1] === '-S' ? 2 : 1);
  return isCommand(words) ? words : undefined;
}

function isCommand(words: readonly string[]): words is [string, ...string[]] {
  return words.length > 0;
}
