import { createHash } from 'node:crypto';
import type { Sandbox } from 'modal';
import type { RunRequest } from '../run/request.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';
import { once, putDebugOptions } from './debug-events.ts';
import { eventsOnStderr } from './events.ts';
import type { DebuggedTests, TestFramework, TestOptions } from './framework.ts';
import { PYTEST_BOOT, PYTEST_PLUGIN } from './helpers/pytest.ts';
import { isPythonTestFile, PYTHON_TEST_FILES, scanPythonTests } from './scan-python.ts';
import { withoutNested } from './test-key.ts';

/** The folder in a sandbox that pytest is installed to if the image has none, apart from the packages of the program. */
export const PYTEST_FOLDER = '/opt/modal-pytest';
/** Next to the sync's state, so that it's never synced or listed. Other contents have another folder. */
const PLUGIN_FOLDER = `${REMOTE_ROOT}/${STATE_FOLDER}/testing/${createHash('sha256').update(PYTEST_PLUGIN).digest('hex').slice(0, 16)}`;

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
  isDiscovery,
  hasCoverage = false,
  packages = PYTEST_FOLDER,
  args = [],
  project,
}: TestOptions) {
  const keys = select && withoutNested(select);
  const files = [...new Set(keys?.map(([file]) => file))];
  return {
    plugin: PYTEST_PLUGIN,
    folder: PLUGIN_FOLDER,
    packages,
    root: REMOTE_ROOT,
    select: keys,
    coverage: hasCoverage,
    single: hasCoverage,
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

/** Prepares a sandbox for a run of pytest under a debugger: its events go to a file. Throws `UserError` and the SDK's errors. */
export async function preparePytestDebugging(
  sandbox: Sandbox,
  options: TestOptions,
  signal?: AbortSignal,
): Promise<DebuggedTests> {
  const { plugin, args, files, ...rest } = bootOptions(options);
  const script = `mkdir -p "$1" && file="$1/modal_pytest.py" &&
{ [ -e "$file" ] || { printf %s "$2" > "$file.$$" && mv "$file.$$" "$file"; }; } &&
{ [ ! -d ${PYTEST_FOLDER} ] || packages=:${PYTEST_FOLDER}; } &&
printf %s "$1$packages\${PYTHONPATH:+:$PYTHONPATH}"`;
  const prepared = await putDebugOptions(sandbox, { ...rest, single: true }, [script, PLUGIN_FOLDER, plugin], signal);
  return {
    launch: {
      module: 'pytest',
      args: ['-p', 'modal_pytest', ...args, ...files],
      env: { PYTHONPATH: prepared.said, MODAL_PYTEST: prepared.options },
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
  canFind: true,
  ranCodes: new Set([0, 1, 2, 5]),
  isTestFile: isPythonTestFile,
  owns: (path) => path.endsWith('.py'),
  scan: scanPythonTests,
  program: (requests, folder) => requests.forModule(folder, 'pytest'),
  request: (program, options) => pytestRequest({ ...program, args: [] }, options),
  prepareDebugging: preparePytestDebugging,
  reader: eventsOnStderr,
};
