import { posix } from 'node:path';
import { REMOTE_ROOT } from '../sync/options.ts';
import { NO_PROJECTS, type Projects } from './projects.ts';
import { readShebang, type Shebang } from './shebang.ts';

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
  /** The file's text, or its beginning. */
  readonly text: string;
  /** The projects that the file belongs to. Defaults to none. */
  readonly projects?: Projects;
}

/** How a file is run. */
export interface Runner {
  readonly programs: readonly ProgramCandidate[];
  /** A package to run in its folder instead of the file: the working directory, relative to the synced folder. */
  readonly packageFolder?: string;
}

/** Python's inline metadata, with which a script names its dependencies: https://peps.python.org/pep-0723/ */
const INLINE_METADATA = /^# \/\/\/ script\s*$/m;
/** Interpreters that the language of a file implies. Only with options of its own does a `#!` line say more. */
const USUAL_INTERPRETERS: Readonly<Record<string, RegExp>> = {
  python: /^python[\d.]*$/,
  javascript: /^node(?:js)?$/,
  typescript: /^(?:tsx|ts-node)$/,
  r: /^Rscript$/,
  julia: /^julia$/,
  ruby: /^ruby[\d.]*$/,
  go: /^go$/,
  perl: /^perl[\d.]*$/,
  php: /^php[\d.]*$/,
  lua: /^lua[\d.]*$/,
};

/**
 * Returns how a file is run: by the user's own command for its extension or language, as its `#!` line or metadata says, by its
 * project, or by its language. Undefined if none of them tells.
 */
export function runnerOf(file: FileToRun, custom: CustomRunners = {}): Runner | undefined {
  const own = entryOf(custom, extensionOf(file.name)) ?? entryOf(custom, file.languageId);
  if (own && isCommand(own)) return { programs: [{ argv: own }] };
  const { languageId, text, projects = NO_PROJECTS } = file;
  const known = entryOf(RUNNERS, languageId) ?? [];
  const shebang = readShebang(text.slice(0, Math.max(text.indexOf('\n'), 0) || undefined));
  const asSaid = shebang ? programsOf(shebang, languageId) : [];
  if (languageId === 'python' && asSaid.length === 0 && INLINE_METADATA.test(text))
    asSaid.push({ argv: ['uv', 'run', '--script'] });
  // The packages of a script that names its own aren't those of a project.
  if (asSaid.length > 0) return { programs: [...asSaid, ...known] };
  if (languageId === 'go' && isGoPackage(file))
    return { programs: [{ argv: ['go', 'run'] }], packageFolder: projects.folder };
  const programs = [...projectPrograms(languageId, projects), ...known];
  return programs.length > 0 ? { programs } : undefined;
}

/** Returns the programs of a `#!` line; none if it only says what the file's language does. */
function programsOf(shebang: Shebang, languageId: string): ProgramCandidate[] {
  const name = shebang.program.slice(shebang.program.lastIndexOf('/') + 1);
  const isUsual = entryOf(USUAL_INTERPRETERS, languageId)?.test(name) === true;
  if (isUsual && shebang.args.length === 0 && shebang.environment.length === 0) return [];
  // -u: don't buffer output.
  const args = languageId === 'python' && isUsual ? ['-u', ...shebang.args] : shebang.args;
  return shebangPrograms({ ...shebang, args });
}

/** Returns the programs that run a file as its `#!` line says: at the path that it names, or by its name. */
function shebangPrograms({ program, args, environment }: Shebang): ProgramCandidate[] {
  const name = program.slice(program.lastIndexOf('/') + 1);
  const places = [...new Set([program, name])];
  return places.map((place): ProgramCandidate => {
    if (environment.length === 0) return { argv: [place, ...args] };
    return { argv: ['env', ...environment, place, ...args], label: name, probe: ['command', '-v', place] };
  });
}

/** Returns Python, in the environment of the uv project that a file belongs to, if it belongs to one. */
export function pythonPrograms(projects: Projects): readonly ProgramCandidate[] {
  return [...projectPrograms('python', projects), ...(RUNNERS.python ?? [])];
}

/** Returns the programs that run a file with what its project has installed. */
function projectPrograms(languageId: string, projects: Projects): ProgramCandidate[] {
  const folderWith = (...names: string[]) => projects.nearest(names)?.folder;
  const remote = (folder: string) => posix.join(REMOTE_ROOT, folder);
  switch (languageId) {
    case 'python': {
      const folder = folderWith('uv.lock');
      if (folder === undefined) return [];
      return [{ argv: ['uv', 'run', ...(folder === '' ? [] : ['--project', remote(folder)]), 'python', '-u'] }];
    }
    case 'ruby': {
      const folder = folderWith('Gemfile');
      if (folder === undefined) return [];
      const gemfile = `BUNDLE_GEMFILE=${remote(folder)}/Gemfile`;
      return [
        {
          argv: ['env', gemfile, 'bundle', 'exec', 'ruby'],
          label: 'bundle',
          probe: ['env', gemfile, 'bundle', 'check'],
        },
      ];
    }
    case 'julia': {
      const folder = folderWith('Project.toml', 'JuliaProject.toml');
      return folder === undefined ? [] : [{ argv: ['julia', `--project=${remote(folder)}`] }];
    }
    default:
      return [];
  }
}

/** Returns true if a Go file is the main one of its package, which may need the package's other files. */
function isGoPackage({ name, text, projects = NO_PROJECTS }: FileToRun): boolean {
  if (name.endsWith('_test.go') || /^\/\/go:build\s+ignore\b/m.test(text)) return false;
  if (!/^package\s+main\b/m.test(text) || projects.nearest(['go.mod']) === undefined) return false;
  const others = projects
    .siblings()
    .filter((each) => each.endsWith('.go') && !each.endsWith('_test.go') && each !== name);
  // Several programs in one folder are run one by one.
  return !others.some((each) => /^func main\(\)/m.test(projects.read(posix.join(projects.folder, each)) ?? ''));
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

function isCommand(words: readonly string[]): words is [string, ...string[]] {
  return words.length > 0;
}
