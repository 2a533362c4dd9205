import type { Sandbox } from 'modal';
import { REMOTE_ROOT } from '../sync/options.ts';
import { once, putDebugOptions } from './debug-events.ts';
import { eventsOnStderr } from './events.ts';
import type { DebuggedTests, TestFramework, TestOptions } from './framework.ts';
import { NODE_BOOT, NODE_REPORTER } from './helpers/node.ts';
import { isNodeTestFile, NODE_TEST_FILES, scanNodeTests } from './scan-javascript.ts';
import { withoutNested } from './test-key.ts';

/** Tests of Node.js's own test runner. Nothing lists them without running the files. */
export const nodeTests: TestFramework = {
  name: 'node --test',
  files: NODE_TEST_FILES,
  languages: ['javascript', 'typescript'],
  argsSetting: 'nodeArgs',
  namesTell: false,
  findsFiles: false,
  listsTests: false,
  ranCodes: new Set([0, 1]),
  isTestFile: isNodeTestFile,
  owns: (path) => /\.[cm]?[jt]s$/.test(path),
  scan: scanNodeTests,
  program: (requests, folder) => requests.forCommandIn(folder, ['node']),
  request: (program, options) => ({
    ...program,
    programs: program.programs.map(({ argv, ...rest }) => ({ ...rest, argv: [...argv, '-e', NODE_BOOT] as const })),
    pty: false,
    input: once(Buffer.from(JSON.stringify(bootOptions(options)))),
  }),
  prepareDebugging: prepareNodeDebugging,
  reader: eventsOnStderr,
};

/** Prepares a sandbox for a run of tests under a debugger: its events go to a file. Throws `UserError` and the SDK's errors. */
export async function prepareNodeDebugging(
  sandbox: Sandbox,
  options: TestOptions,
  signal?: AbortSignal,
): Promise<DebuggedTests> {
  const prepared = await putDebugOptions(sandbox, bootOptions(options), [':'], signal);
  const env = { MODAL_TESTS: prepared.options };
  return { launch: { runtimeExecutable: 'node', args: ['-e', NODE_BOOT], env }, events: prepared.events };
}

function bootOptions({ select = [], hasCoverage = false, args = [] }: TestOptions) {
  const files = new Map<string, string[][]>();
  for (const [file, ...names] of withoutNested(select))
    files.set(file, [...(files.get(file) ?? []), ...(names.length > 0 ? [names] : [])]);
  return {
    root: REMOTE_ROOT,
    files: [...files].map(([file, names]) => ({ file, names })),
    args,
    coverage: hasCoverage,
    reporter: NODE_REPORTER,
  };
}
