import { createHash, randomUUID } from 'node:crypto';
import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import type { RunRequest } from '../run/request.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';
import { PYTEST_BOOT, PYTEST_PLUGIN } from './helpers/pytest.ts';
import { strings } from './strings.ts';
import { type TestKey, withoutNested } from './test-key.ts';

/** The folder in a sandbox that pytest is installed to if the image has none, apart from the packages of the program. */
export const PYTEST_FOLDER = '/opt/modal-pytest';
/** Next to the sync's state, so that it's never synced or listed. Other contents have another folder. */
const PLUGIN_FOLDER = `${REMOTE_ROOT}/${STATE_FOLDER}/testing/${createHash('sha256').update(PYTEST_PLUGIN).digest('hex').slice(0, 16)}`;

/** Where a project's tests were found the last time. */
export interface PytestProject {
  /** pytest's `rootdir`, absolute in the sandbox. */
  readonly root: string;
  /** The file of its configuration, if there is one. */
  readonly ini: string | undefined;
}

export interface PytestOptions {
  /** The tests to run, or the groups of tests; undefined for all. */
  readonly select?: readonly TestKey[] | undefined;
  /** Measures what the tests execute. */
  readonly hasCoverage?: boolean | undefined;
  /** Finds the tests, but runs none. */
  readonly isDiscovery?: boolean | undefined;
  /** The folder with pytest if the image has none. */
  readonly packages?: string;
  /** More arguments of the user's. */
  readonly args?: readonly string[];
  readonly project?: PytestProject | undefined;
}

/** Returns the run of pytest that says what it finds and how each test ends on stderr. `python` is a run of Python without arguments. */
export function pytestRequest(python: RunRequest, options: PytestOptions): RunRequest {
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
}: PytestOptions) {
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

/** A run of pytest under a debugger, which only takes a command line. */
export interface DebuggedPytest {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The file of its events. */
  readonly events: string;
}

const DEBUG_LIMITS: AnswerLimits = { maxBytes: 100_000, timeoutMs: 30_000 };

/**
 * Prepares a sandbox for a run of pytest whose streams belong to a debugger: its events go to a file. Throws `UserError` and the
 * SDK's errors.
 */
export async function prepareDebugging(
  sandbox: Sandbox,
  options: PytestOptions,
  signal?: AbortSignal,
): Promise<DebuggedPytest> {
  const { plugin, args, files, ...rest } = bootOptions(options);
  const folder = `/tmp/modal-tests-${randomUUID()}`;
  const events = `${folder}/events`;
  const settings = Buffer.from(JSON.stringify({ ...rest, single: true, events }));
  const script = `mkdir -p "$1" "$2" && file="$1/modal_pytest.py" &&
{ [ -e "$file" ] || { printf %s "$3" > "$file.$$" && mv "$file.$$" "$file"; }; } &&
cat > "$2/options" && : > "$2/events" || exit
[ -d ${PYTEST_FOLDER} ] && packages=:${PYTEST_FOLDER}
printf 'done%s' "$1$packages\${PYTHONPATH:+:$PYTHONPATH}"`;
  const said = await execWith(sandbox, ['sh', '-c', script, 'sh', PLUGIN_FOLDER, folder, plugin], {
    ...DEBUG_LIMITS,
    signal,
    source: () => ({ readFrom: (offset) => once(settings.subarray(offset)) }),
  });
  const [, path] = /^done(.+)/.exec(said.toString()) ?? [];
  if (path === undefined) throw new UserError(strings.notPrepared());
  return {
    args: ['-p', 'modal_pytest', ...args, ...files],
    env: { PYTHONPATH: path, MODAL_PYTEST: `${folder}/options` },
    events,
  };
}

/** Returns the run that reads the events of a debugged run, in its sandbox, until it's canceled. */
export function debugEventsRequest(python: RunRequest, events: string, sandboxId: string): RunRequest {
  const programs = [{ argv: ['tail', '-n', '+1', '-f', events] }] as const;
  return { ...python, programs, args: [], pty: false, sync: false, pull: [], sandboxId };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
