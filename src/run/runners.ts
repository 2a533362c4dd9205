import { posix } from 'node:path';
import { REMOTE_ROOT } from '../sync/options.ts';
import { NO_PROJECTS, type Projects, uvProjectOf } from './projects.ts';
import { pythonModuleOf } from './python-module.ts';
import { testModulesOf } from './python-tests.ts';
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
  // Without -u, with which long output can be lost in gVisor.
  python: [{ argv: ['python3'] }, { argv: ['python'] }],
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
  /** What is run instead of the file, such as its package. */
  readonly instead?: {
    /** The working directory, relative to the synced folder. */
    readonly folder: string;
    /** The arguments in place of the file. */
    readonly args: readonly string[];
  };
}

/** Python's inline metadata, with which a script names its dependencies: https://peps.python.org/pep-0723/ */
const INLINE_METADATA = /^# \/\/\/ script\s*$/m;
/** Shells other than bash and sh whose scripts VS Code counts as shell scripts, by their extension. */
const SHELLS: Readonly<Record<string, string>> = { '.zsh': 'zsh', '.fish': 'fish', '.ksh': 'ksh', '.csh': 'csh' };
const OTHER_SHELL = /^(?:zsh|fish|t?csh|[mo]?ksh(?:93)?|pdksh|yash|elvish|nu|xonsh)$/;
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
  const shell = languageId === 'shellscript' ? shellOf(file) : undefined;
  if (shell !== undefined) return { programs: [{ argv: [shell] }] };
  const part = partOfProject(file);
  if (part) return part;
  const programs = [...projectPrograms(languageId, projects), ...known];
  return programs.length > 0 ? { programs } : undefined;
}

/** A shell script. */
export type ShellScript = Pick<FileToRun, 'name' | 'text'>;

/** Returns the shell that a script is written for, by its `#!` line or extension; undefined for bash and sh. */
export function shellOf({ name, text }: ShellScript): string | undefined {
  const { program = '' } = readShebang(text.split('\n', 1)[0] ?? '') ?? {};
  const said = posix.basename(program);
  if (OTHER_SHELL.test(said)) return said;
  return said === '' ? entryOf(SHELLS, extensionOf(name)) : undefined;
}

/** Returns how a file is run that only works as a part of something larger; undefined for others. */
function partOfProject(file: FileToRun): Runner | undefined {
  const { name, languageId, text, projects = NO_PROJECTS } = file;
  const { folder } = projects;
  switch (languageId) {
    case 'go':
      if (name.endsWith('_test.go')) return { programs: [{ argv: ['go', 'test'] }], instead: { folder, args: ['.'] } };
      return isGoPackage(file) ? { programs: [{ argv: ['go', 'run'] }], instead: { folder, args: ['.'] } } : undefined;
    case 'python': {
      const tests = testPrograms(file);
      if (tests.length > 0) return { programs: tests };
      const module = pythonModuleOf(name, text, projects);
      if (!module) return undefined;
      return { programs: pythonPrograms(projects), instead: { folder: module.root, args: ['-m', module.name] } };
    }
    case 'ruby': {
      if (!isRakefile(name)) return undefined;
      const bundled = bundlePrograms('rake', projects);
      return { programs: [...bundled, { argv: ['rake'] }], instead: { folder, args: ['-f', name] } };
    }
    default:
      return undefined;
  }
}

/** Returns the programs that run the tests of a Python file; none if it isn't one that only defines tests. */
function testPrograms({ name, text, projects = NO_PROJECTS }: FileToRun): ProgramCandidate[] {
  return testModulesOf(name, text).flatMap((module) =>
    pythonPrograms(projects).map(({ argv: [program, ...args] }): ProgramCandidate => {
      const argv = [program, ...args, '-m', module] as const;
      // uv may have to install the packages first, which it shows only in the run itself.
      return program === 'uv' ? { argv } : { argv, label: module, probe: [program, '-c', `import ${module}`] };
    }),
  );
}

/** Returns the programs of a `#!` line; none if it only says what the file's language does. */
function programsOf(shebang: Shebang, languageId: string): ProgramCandidate[] {
  const name = shebang.program.slice(shebang.program.lastIndexOf('/') + 1);
  const isUsual = entryOf(USUAL_INTERPRETERS, languageId)?.test(name) === true;
  if (isUsual && shebang.args.length === 0 && shebang.environment.length === 0) return [];
  return shebangPrograms(shebang);
}

/** Returns the programs that run a file as its `#!` line says: at the path that it names, or by its name. */
function shebangPrograms({ program, args, environment, split }: Shebang): ProgramCandidate[] {
  if (split !== undefined) return [{ argv: ['env', '-S', split] }];
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
  switch (languageId) {
    case 'python': {
      const folder = uvProjectOf(projects);
      if (folder === undefined) return [];
      return [{ argv: ['uv', 'run', ...(folder === '' ? [] : ['--project', remote(folder)]), 'python'] }];
    }
    case 'ruby':
      return bundlePrograms('ruby', projects);
    case 'julia': {
      const folder = folderWith('Project.toml', 'JuliaProject.toml');
      return folder === undefined ? [] : [{ argv: ['julia', `--project=${remote(folder)}`] }];
    }
    default:
      return [];
  }
}

function remote(folder: string): string {
  return posix.join(REMOTE_ROOT, folder);
}

/** Returns a program of Ruby's, with the packages of the Gemfile that a file belongs to. */
function bundlePrograms(program: string, projects: Projects): ProgramCandidate[] {
  const folder = projects.nearest(['Gemfile'])?.folder;
  if (folder === undefined) return [];
  const gemfile = `BUNDLE_GEMFILE=${remote(folder)}/Gemfile`;
  const probe = ['env', gemfile, 'bundle', 'check'];
  return [{ argv: ['env', gemfile, 'bundle', 'exec', program], label: 'bundle', probe }];
}

/** Returns true if a Go file belongs to a program that consists of its package, which may need the package's other files. */
function isGoPackage({ name, text, projects = NO_PROJECTS }: FileToRun): boolean {
  if (/^\/\/go:build\s+ignore\b/m.test(text)) return false;
  if (!/^package\s+main\b/m.test(text) || projects.nearest(['go.mod']) === undefined) return false;
  const others = projects
    .siblings()
    .filter((each) => each.endsWith('.go') && !each.endsWith('_test.go') && each !== name);
  const isMain = (source: string) => /^func main\(\)/m.test(source);
  // Several programs in one folder are run one by one.
  return !isMain(text) || !others.some((each) => isMain(projects.read(posix.join(projects.folder, each)) ?? ''));
}

/** Returns true for the file that says what `rake` does, which Ruby alone would read without running anything. */
export function isRakefile(name: string): boolean {
  return /^rakefile(?:\.rb)?$/i.test(name);
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
