import { posix } from 'node:path';
import { type Projects, packageManagerOf } from '../projects.ts';
import { pythonModuleOf } from '../python-module.ts';
import type { ProgramCandidate } from '../runners.ts';
import { pythonPrograms } from '../runners.ts';
import type { Target } from './target.ts';

/**
 * Runs a script without a `__main__` guard as Python runs it, and then calls its `main`. The script is the real `__main__`,
 * which pickle and other processes need. Only a number that `main` returns is an exit code. The first argument is the
 * package that the script belongs to, if it imports parts of that; otherwise empty.
 */
const CALL_MAIN = `import os, sys
def run():
    package = sys.argv[1]
    del sys.argv[:2]
    sys.argv[0] = file = os.path.abspath(sys.argv[0])
    sys.path[0] = os.path.dirname(file)
    main = sys.modules["__main__"]
    if package:
        main.__package__ = package
        for name in package.split("."):
            sys.path[0] = os.path.dirname(sys.path[0])
    vars(main).pop("run")
    main.__file__ = file
    hook = sys.excepthook
    def shown(kind, error, trace):
        while trace and trace.tb_frame.f_code.co_filename == "<string>":
            trace = trace.tb_next
        hook(kind, error.with_traceback(trace), trace)
    sys.excepthook = shown
    with open(file, "rb") as source:
        code = compile(source.read(), file, "exec")
    exec(code, vars(main))
    result = main.main()
    if hasattr(result, "__await__"):
        import asyncio
        async def wait():
            return await result
        result = asyncio.run(wait())
    if isinstance(result, int) and not isinstance(result, bool):
        sys.exit(result)
run()`;

/**
 * Returns the command line of a target in the file `fileName`, to be run in the file's folder. Undefined if running the
 * target means running the file.
 */
export function commandOf(
  target: Target,
  fileName: string,
  projects: Projects,
): { label: string; programs: readonly ProgramCandidate[]; args: readonly string[] } | undefined {
  switch (target.kind) {
    case 'file':
    case 'pythonGuard':
      return undefined;
    case 'pythonMain': {
      const programs = pythonPrograms(projects).map(
        ({ argv }): ProgramCandidate => ({ argv: [...argv, '-c', CALL_MAIN] }),
      );
      const module = pythonModuleOf(fileName, projects.read(posix.join(projects.folder, fileName)) ?? '', projects);
      return { label: `${fileName}: main()`, programs, args: [module?.package ?? '', fileName] };
    }
    case 'packageScript': {
      const manager = packageManagerOf(projects);
      return { label: `${manager} run ${target.name}`, programs: [{ argv: [manager, 'run'] }], args: [target.name] };
    }
    case 'makeTarget':
      return { label: `make ${target.name}`, programs: [{ argv: ['make', '-f', fileName] }], args: [target.name] };
    case 'justRecipe':
      return { label: `just ${target.name}`, programs: [{ argv: ['just', '-f', fileName] }], args: [target.name] };
  }
}
