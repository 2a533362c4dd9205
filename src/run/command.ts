import { posix } from 'node:path';
import type { ActionId } from '../base/errors.ts';
import { quote, shellJoin } from '../base/shell.ts';
import { DEFAULT_LOCALE } from '../modal/locale.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { controlPreamble, type TerminalSize } from './control.ts';
import { detachedLines } from './detached/script.ts';
import type { RunRequest } from './request.ts';
import type { ProgramCandidate } from './runners.ts';
import { portableShellArguments } from './shell-arguments.ts';
import { strings } from './strings.ts';

/** A program in an environment, by the names of their folders, or by what they contain. */
const ENVIRONMENT =
  /\/(\.?v?env|\.?virtualenv|\.?conda|node_modules|\.tox|\.nox|\.direnv|\.pixi)\/|\/(bin|Scripts)\/(python|pypy|pip|pytest|activate)[\w.-]*$/i;

/** The marks that the wrapper prints if it can't become the program. It then exits with `EXIT_WRAPPER`. */
export const WrapperMark = {
  noProgram: '\u001b]7770;no-program\u0007',
  noFolder: '\u001b]7770;no-folder\u0007',
} as const;
export const EXIT_WRAPPER = 127;

/** Options of a run's wrapper, which becomes the program. */
export interface WrapperOptions {
  readonly runId: string;
  /** The working directory; absolute. */
  readonly cwd: string;
  /** More arguments, as typed in a shell. */
  readonly shellArgs: string;
  /** The folder for its output in the sandbox, if it outlives its window. */
  readonly detachedFolder?: string | undefined;
}

/** What is known only when a run starts. */
export interface LateOptions {
  /** Shell lines that update the folder. */
  readonly sync?: string | undefined;
  /** The size of the terminal; absent without one. */
  readonly size?: TerminalSize | undefined;
}

/**
 * Prepares the argument vector that runs a program in the sandbox: a small shell wrapper that makes the run controllable, applies
 * the sync, and becomes the first program that exists. A run needs its length before the sync is known.
 */
export function prepareCommand(
  programs: readonly ProgramCandidate[],
  args: readonly string[],
  { runId, cwd, shellArgs, detachedFolder: folder }: WrapperOptions,
): (options: LateOptions) => string[] {
  const choices = programs.map(({ argv, probe }) => {
    const isInstalled = `command -v ${quote(argv[0])}${probe ? ` && ${shellJoin(probe)}` : ''}`;
    return `if { ${isInstalled}; } >/dev/null 2>&1 </dev/null; then exec ${shellJoin(argv)} "$@"${folder === undefined ? '' : ' 3>&-'}; fi`;
  });
  const print = folder === undefined ? 'printf' : '>&3 printf';
  const own = [
    `cd -- ${quote(cwd)} 2>/dev/null || { ${print} '\\033]7770;no-folder\\007'; exit ${EXIT_WRAPPER}; }`,
    ...(shellArgs ? [`eval 'set -- "$@" '${quote(portableShellArguments(shellArgs))}`] : []),
    ...choices,
    `${print} '\\033]7770;no-program\\007'; exit ${EXIT_WRAPPER}`,
  ].join('\n');
  const program = folder === undefined ? own : detachedLines(folder, own);
  return ({ sync, size }) => {
    const script = [
      controlPreamble(runId, size, folder !== undefined),
      DEFAULT_LOCALE,
      ...(sync === undefined ? [] : [sync]),
      program,
    ];
    return ['sh', '-c', script.join('\n'), 'modal-run', ...args];
  };
}

/** Why no program was run, with next steps. */
export interface NotRun {
  readonly error: string;
  readonly actions: readonly ActionId[];
}

/** Explains a mark that was printed instead of running a program. */
export function explainMark(
  mark: string | undefined,
  { cwd, programs }: Pick<RunRequest, 'cwd' | 'programs'>,
): NotRun | undefined {
  if (mark === WrapperMark.noProgram) return explainMissing(programs, posix.resolve(REMOTE_ROOT, cwd));
  if (mark === WrapperMark.noFolder)
    return { error: strings.folderNotInSandbox(posix.resolve(REMOTE_ROOT, cwd)), actions: ['explainSync'] };
  return undefined;
}

function explainMissing(programs: readonly ProgramCandidate[], cwd: string): NotRun {
  const synced = programs
    .map(({ argv: [program] }) => program.replaceAll('\\', '/'))
    .find((program) => program.includes('/') && posix.resolve(cwd, program).startsWith(`${REMOTE_ROOT}/`));
  if (synced !== undefined)
    return ENVIRONMENT.test(posix.resolve(cwd, synced))
      ? {
          error: strings.environmentNotSynced(synced, posix.basename(synced).replace(/\.(exe|cmd|ps1|bat)$/, '')),
          actions: ['showProfile'],
        }
      : { error: strings.programNotSynced(synced), actions: ['explainSync'] };
  const names = [...new Set(programs.map(({ argv, label }) => label ?? argv[0]))];
  const [name] = names;
  if (names.length === 1 && name && /\s/.test(name)) return { error: strings.commandLineNotRun(name), actions: [] };
  const error =
    names.length === 1 && name ? strings.programNotInstalled(name) : strings.noProgramInstalled(names.join(', '));
  return { error, actions: ['chooseProfile', 'showProfile'] };
}
