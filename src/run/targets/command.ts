import type { ProgramCandidate } from '../runners.ts';
import { runnerOf } from '../runners.ts';
import type { Target } from './target.ts';

/** Lock files, by which a folder's package manager is recognized. */
const PACKAGE_MANAGERS: Readonly<Record<string, string>> = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
};
export const PACKAGE_MANAGER_FILES = Object.keys(PACKAGE_MANAGERS);

/** Calls `main` in a script that has no `__main__` guard. */
const CALL_MAIN = 'import runpy, sys; sys.argv = sys.argv[1:]; sys.exit(runpy.run_path(sys.argv[0])["main"]())';

/**
 * Returns the command line of a target in the file `fileName`, to be run in the file's folder. Undefined if running the
 * target means running the file. `siblings` are the `PACKAGE_MANAGER_FILES` in the same folder.
 */
export function commandOf(
  target: Target,
  fileName: string,
  siblings: readonly string[],
): { label: string; programs: readonly ProgramCandidate[]; args: readonly string[] } | undefined {
  switch (target.kind) {
    case 'file':
    case 'pythonGuard':
      return undefined;
    case 'pythonMain': {
      const python = runnerOf({ name: fileName, languageId: 'python', firstLine: '', isUvProject: false }) ?? [];
      const programs = python.map(({ argv }): ProgramCandidate => ({ argv: [...argv, '-c', CALL_MAIN] }));
      return { label: `${fileName}: main()`, programs, args: [fileName] };
    }
    case 'packageScript': {
      const lockFile = PACKAGE_MANAGER_FILES.find((name) => siblings.includes(name));
      const manager = (lockFile && PACKAGE_MANAGERS[lockFile]) || 'npm';
      return { label: `${manager} run ${target.name}`, programs: [{ argv: [manager, 'run'] }], args: [target.name] };
    }
    case 'makeTarget':
      return { label: `make ${target.name}`, programs: [{ argv: ['make', '-f', fileName] }], args: [target.name] };
    case 'justRecipe':
      return { label: `just ${target.name}`, programs: [{ argv: ['just', '-f', fileName] }], args: [target.name] };
  }
}
