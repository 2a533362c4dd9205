import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { runTests } from '@vscode/test-electron';
import { distFolder, projectFolder } from '../paths.ts';
import { startProcess } from '../processes.ts';
import type { TestResults } from '../results.ts';
import { LAUNCHER_FLAGS } from '../vscode/flags.ts';
import { temporaryProfile } from '../vscode/profile.ts';
import { openRelay } from '../vscode/relay.ts';
import { groupsOf } from './in-parallel.ts';
import type { IntegrationLaunch } from './integration-launch.ts';
import type { Stage, StageOptions } from './stage.ts';
import { testFiles } from './test-files.ts';

const FOLDER = join('test', 'integration');
const LAUNCH_TIMEOUT_MS = 900_000;
const LAUNCHER = join(
  projectFolder,
  'scripts',
  'vscode',
  process.platform === 'win32' ? 'launcher.cmd' : 'launcher.sh',
);

const RUN_TESTS = join(projectFolder, 'scripts', 'vscode', 'run-tests.ts');

/** Tests inside a real VS Code, with one launch for each folder in `test/integration`. */
export const integration: Stage = {
  name: 'integration',
  title: 'Integration tests (inside VS Code)',
  needsBuild: true,
  jobs: async ({ files, grep }) => {
    const launchOf = (path: string) => relative(join(projectFolder, FOLDER), path).split(sep)[0] ?? '';
    return groupsOf(testFiles(FOLDER, files), launchOf).map(
      ([name, testsOfLaunch]) =>
        (write) =>
          runLaunch(name, { files: testsOfLaunch, grep }, write),
    );
  },
};

/** Runs test files in a launch of VS Code. The environment's `LOCAL_MODAL_RUNTIME` is what isolates their sandboxes. */
export async function runLaunch(
  name: string,
  { files, grep }: StageOptions,
  write: (text: string | Uint8Array) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TestResults> {
  const { LOCAL_MODAL_RUNTIME: runtime = 'namespaces', PATH } = env;
  const launchFile = join(projectFolder, FOLDER, name, 'launch.ts');
  const { default: launch } = (await import(pathToFileURL(launchFile).href)) as { default: IntegrationLaunch };
  write(`\n  — ${name}: VS Code with ${launch.workspace ?? 'no folder'} —\n`);
  const relay = await openRelay<TestResults>(write);
  // Networks of their own depend on what is installed.
  const localModal = { 'modal.localModal.runtime': runtime, 'modal.localModal.network': 'host' };
  const profile = await temporaryProfile({ ...localModal, ...launch.settings });
  for (const extension of launch.extensions ?? []) {
    await cp(join(projectFolder, extension), join(profile.extensionsDir, basename(extension)), { recursive: true });
  }
  const log = join(profile.folder, 'vscode.log');
  try {
    const options: Parameters<typeof runTests>[0] = {
      vscodeExecutablePath: LAUNCHER,
      extensionDevelopmentPath: projectFolder,
      extensionTestsPath: join(distFolder, 'test', 'integration-runner.cjs'),
      extensionTestsEnv: {
        PATH,
        ...launch.env,
        ...relay.env,
        TEST_FILES: JSON.stringify(files.map(bundleOf)),
        TEST_GREP: grep,
      },
      launchArgs: [
        ...(launch.workspace ? [await copyOf(launch.workspace, profile.folder)] : []),
        `--user-data-dir=${profile.userDataDir}`,
        `--extensions-dir=${profile.extensionsDir}`,
        `--${LAUNCHER_FLAGS.log}=${log}`,
        `--${LAUNCHER_FLAGS.timeoutMs}=${LAUNCH_TIMEOUT_MS}`,
        ...(launch.workspaceTrust ? [`--${LAUNCHER_FLAGS.keepTrust}`] : []),
      ],
    };
    const running = startProcess(process.execPath, [RUN_TESTS, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      stopGraceMs: 12_000,
    });
    for (const stream of [running.child.stdout, running.child.stderr]) stream?.on('data', write);
    const exitCode = await running.ended;
    await running.stop();
    const results = relay.result();
    if (results) return results;
    throw new Error(
      `VS Code exited with code ${exitCode} before the tests finished. The end of its log:\n${await tail(log)}`,
    );
  } finally {
    await relay.close();
    await profile.remove();
  }
}

/** Returns the bundle that `scripts/build.ts` creates for a test file. */
function bundleOf(path: string): string {
  const inTest = relative(join(projectFolder, 'test'), path);
  return join(distFolder, 'test', inTest.replace(/\.ts$/, '.cjs'));
}

/** Copies a workspace, because tests may write to it. For a `.code-workspace` file, copies its folder. */
async function copyOf(workspace: string, into: string): Promise<string> {
  if (workspace.endsWith('.code-workspace')) return join(await copyOf(dirname(workspace), into), basename(workspace));
  const copy = join(into, 'workspace', basename(workspace));
  await mkdir(dirname(copy), { recursive: true });
  await cp(join(projectFolder, workspace), copy, { recursive: true });
  return copy;
}

async function tail(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '(none)');
  // Stack frames of the minified workbench don't help.
  return text
    .split('\n')
    .filter((line) => !/^ +at .*workbench\.js/.test(line))
    .slice(-40)
    .join('\n');
}
