/** A program that might be able to run a file, if the sandbox has it. */
export interface ProgramCandidate {
  /** The program, and the arguments that come before the file. */
  readonly argv: readonly [program: string, ...args: string[]];
  /** What people call it, where that is more than the program's name. */
  readonly label?: string;
  /** A command that succeeds only where the program can do it, when being there is not enough. */
  readonly probe?: readonly string[];
}

/** What runs a file, in the order of preference, by VS Code language id. */
const RUNNERS: Readonly<Record<string, readonly ProgramCandidate[]>> = {
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
  r: [{ argv: ['Rscript'] }],
  julia: [{ argv: ['julia'] }],
  ruby: [{ argv: ['ruby'] }],
  go: [{ argv: ['go', 'run'] }],
  perl: [{ argv: ['perl'] }],
  php: [{ argv: ['php'] }],
  lua: [{ argv: ['lua'] }],
};

/** Languages whose files can be run as they are. */
export const RUNNABLE_LANGUAGES: readonly string[] = Object.keys(RUNNERS);

/** What the names of a language's files end with, by VS Code language id: some programs go by it. */
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

/** A name for a file that may have none yet. */
export function fileNameFor(name: string, languageId: string): string {
  return extensionOf(name) === '' ? name + (entryOf(EXTENSIONS, languageId) ?? '') : name;
}

/** The user's own runners: a command line by language id, or by the file's extension with its dot. */
export type CustomRunners = Readonly<Record<string, readonly string[]>>;

export interface FileToRun {
  readonly name: string;
  readonly languageId: string;
  readonly firstLine: string;
  /** Whether the folder is a project of uv's, which has an environment of its own. */
  readonly isUvProject: boolean;
}

/**
 * The programs that run a file: the user's own for its extension or language, then its `#!` line where the language has
 * no better word, then the language's. Absent when nobody knows.
 */
export function runnerOf(file: FileToRun, custom: CustomRunners = {}): readonly ProgramCandidate[] | undefined {
  const own = entryOf(custom, extensionOf(file.name)) ?? entryOf(custom, file.languageId);
  if (own && isCommand(own)) return [{ argv: own }];
  const known = entryOf(RUNNERS, file.languageId);
  const shebang = shebangOf(file.firstLine);
  // Shells differ; a Python or Ruby file's first line is about the author's machine.
  if (shebang && (!known || file.languageId === 'shellscript')) return [{ argv: shebang }, ...(known ?? [])];
  if (known && file.languageId === 'python' && file.isUvProject) {
    return [{ argv: ['uv', 'run', 'python', '-u'] }, ...known];
  }
  return known;
}

/** A language may be called `constructor`. */
function entryOf<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** `.py` of `main.py`; `''` where there is none. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot) : '';
}

/** The command line of a `#!` line; `env` only looks programs up, which the wrapper does as well. */
function shebangOf(line: string): [string, ...string[]] | undefined {
  const words = /^#!\s*(.+?)\s*$/.exec(line)?.[1]?.split(/\s+/) ?? [];
  if (/(?:^|\/)env$/.test(words[0] ?? '')) words.splice(0, words[1] === '-S' ? 2 : 1);
  return isCommand(words) ? words : undefined;
}

function isCommand(words: readonly string[]): words is [string, ...string[]] {
  return words.length > 0;
}
