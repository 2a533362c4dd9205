import { createHash } from 'node:crypto';
import type { Sandbox } from 'modal';
import type { RunRequest } from '../run/request.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';
import { once, putDebugOptions } from './debug-events.ts';
import { eventsOnStderr } from './events.ts';
import type { DebuggedTests, TestFramework, TestOptions } from './framework.ts';
import { PYTEST_BOOT, PYTEST_PLUGIN } from './helpers/pytest.ts';
import { UNITTEST_RUNNER } from './helpers/unittest.ts';
import { isPythonTestFile, PYTHON_TEST_FILES, scanPythonTests } from './scan-python.ts';
import { withoutNested } from './test-key.ts';

/** The folder in a sandbox that pytest is installed to if the image has none, apart from the packages of the program. */
export const PYTEST_FOLDER = '/opt/modal-pytest';
/** Our modules, by name. */
const MODULES = { modal_pytest: PYTEST_PLUGIN, modal_unittest: UNITTEST_RUNNER };
const HASH = createHash('sha256').update(Object.values(MODULES).join()).digest('hex').slice(0, 16);
/** Next to the sync's state, so that it's never synced or listed. Other contents have another folder. */
const MODULE_FOLDER = `${REMOTE_ROOT}/${STATE_FOLDER}/testing/${HASH}`;

/** Returns the run of pytest that says what it finds and how each test ends on stderr. `python` is a run of Python without arguments. */
export function pytestRequest(python: RunRequest, options: TestOptions): RunRequest {
  const input = Buffer.from(JSON.stringify(bootOptions(options)));
  return {
    ...python,
    programs: python.programs.map(({ argv, ...rest }) => ({ ...rest, argv: [...argv, '-c', PYTEST_BOOT] as const })),
    args: [],
    pty: false,
    input: once(input),
  };
}

function bootOptions({
  select,
  isDiscovery = false,
  hasCoverage = false,
  packages = PYTEST_FOLDER,
  args = [],
  project,
}: TestOptions) {
  const keys = select && withoutNested(select);
  const files = [...new Set(keys?.map(([file]) => file))];
  return {
    modules: MODULES,
    folder: MODULE_FOLDER,
    packages,
    root: REMOTE_ROOT,
    select: keys,
    coverage: hasCoverage,
    single: hasCoverage,
    collect: isDiscovery,
    args: [
      // The other files' tests can still be run.
      '--continue-on-collection-errors',
      ...(isDiscovery ? ['--collect-only'] : []),
      // With files, pytest would look for its configuration near them.
      ...(files.length > 0 && project ? ['--rootdir', project.root] : []),
      ...(files.length > 0 && project?.ini !== undefined ? ['-c', project.ini] : []),
      ...args,
    ],
    files,
  };
}

/** Puts our modules into a folder, and prints which module runs the tests and where it's found. In a uv project, that's pytest. */
const PREPARE = `{ mkdir -p "$1" && for name in pytest unittest; do
  file="$1/modal_$name.py"
  [ -e "$file" ] || { printf %s "$2" > "$file.$$" && mv "$file.$$" "$file"; } || break
  set -- "$1" "$3" "$3"
done && [ -e "$1/modal_unittest.py" ]; } &&
{ [ ! -d ${PYTEST_FOLDER} ] || packages=:${PYTEST_FOLDER}; } &&
path="$1$packages\${PYTHONPATH:+:$PYTHONPATH}" && module=pytest &&
{ [ -e ${REMOTE_ROOT}/uv.lock ] || ! PYTHONPATH="$path" python3 -c 'import sys, importlib.util as util; sys.exit(util.find_spec("pytest") is not None)' || module=modal_unittest; } &&
printf '%s %s' $module "$path"`;

/** Prepares a sandbox for a run of pytest under a debugger: its events go to a file. Throws `UserError` and the SDK's errors. */
export async function preparePytestDebugging(
  sandbox: Sandbox,
  options: TestOptions,
  signal?: AbortSignal,
): Promise<DebuggedTests> {
  const { modules, args, ...rest } = bootOptions(options);
  const settings = { ...rest, single: true };
  const prepared = await putDebugOptions(
    sandbox,
    settings,
    [PREPARE, MODULE_FOLDER, modules.modal_pytest, modules.modal_unittest],
    signal,
  );
  const [, module = '', path = ''] = /^(\w+) ([\s\S]*)$/.exec(prepared.said) ?? [];
  return {
    launch: {
      module,
      args: module === 'pytest' ? ['-p', 'modal_pytest', ...args, ...rest.files] : [],
      env: { PYTHONPATH: path, MODAL_PYTEST: prepared.options },
    },
    events: prepared.events,
  };
}

/** Tests of Python's, which pytest runs. */
export const pythonTests: TestFramework = {
  name: 'pytest',
  files: PYTHON_TEST_FILES,
  languages: ['python'],
  argsSetting: 'pytestArgs',
  namesTell: true,
  findsFiles: true,
  listsTests: true,
  ranCodes: new Set([0, 1, 2, 5]),
  isTestFile: isPythonTestFile,
  owns: (path) => path.endsWith('.py'),
  scan: scanPythonTests,
  program: (requests, folder) => requests.forModule(folder, 'pytest'),
  request: (program, options) => pytestRequest({ ...program, args: [] }, options),
  prepareDebugging: preparePytestDebugging,
  reader: eventsOnStderr,
};
