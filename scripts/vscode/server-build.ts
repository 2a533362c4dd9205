/**
 * VS Code's server build, from npm: the package `code-server` carries the workbench and the extension host as they are
 * in the desktop, for machines that have no desktop or cannot reach VS Code's own downloads.
 *
 * The package is not a dependency, as its install script takes minutes and wants more than is needed here.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { projectFolder, vscodeTestFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import { say } from '../say.ts';
import { onlyOne } from './only-one.ts';

/** Version of the npm package; its number is VS Code's own with the major version 4 (4.139.1 is VS Code 1.139.1). */
const VERSION = '4.139.1';
const NATIVE_MODULES = ['node-pty', '@vscode/spdlog', '@vscode/native-watchdog', '@vscode/fs-copyfile'];
const STEP_TIMEOUT_MS = 10 * 60_000;
const PATH_IN_PACKAGE = ['node_modules', 'code-server', 'lib', 'vscode'];

/** Returns the folder of VS Code's server build, fetching it once (about a minute, 600 MB). */
export async function serverBuild(): Promise<string> {
  const folder = join(vscodeTestFolder, `vscode-server-${VERSION}`);
  const vscode = join(folder, ...PATH_IN_PACKAGE);
  if (existsSync(folder)) return vscode;
  await onlyOne(`${folder}.lock`, 2 * STEP_TIMEOUT_MS, async () => {
    if (!existsSync(folder)) await fetchInto(folder);
  });
  return vscode;
}

/** Builds in a folder beside, then renames, so that an interrupted fetch is never taken for a whole one. */
async function fetchInto(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await writeFile(join(unfinished, 'package.json'), '{ "private": true }\n');
  const vscode = join(unfinished, ...PATH_IN_PACKAGE);
  const started = Date.now();
  say(`Fetching VS Code ${VERSION.replace(/^4/, '1')} into .vscode-test (once, about a minute)…`);
  await npm('fetch VS Code', unfinished, [
    'install',
    '--ignore-scripts',
    '--no-package-lock',
    `code-server@${VERSION}`,
  ]);
  say('Fetching the packages of VS Code…');
  await npm('fetch the packages of VS Code', vscode, ['install', '--omit=dev', '--ignore-scripts']);
  await npm('fetch TypeScript for VS Code', join(vscode, 'extensions'), ['install', '--omit=dev', '--ignore-scripts']);
  say('Compiling the native modules of VS Code…');
  await npm('compile the native modules of VS Code', vscode, ['rebuild', ...NATIVE_MODULES, ...headers()]);
  await rename(unfinished, folder);
  say(`VS Code is ready (${Math.round((Date.now() - started) / 1000)} s).`);
}

async function npm(purpose: string, folder: string, args: readonly string[]): Promise<void> {
  const { exitCode, output } = await runProcess(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    [...args, '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder, shell: process.platform === 'win32', timeoutMs: STEP_TIMEOUT_MS },
  );
  if (exitCode === 0) return;
  const advice = 'It needs the npm registry, python3 and a C++ compiler (on Debian: build-essential).';
  throw new Error(`Could not ${purpose}: npm ${args[0]} ended with ${exitCode}. ${advice}\n${output}`);
}

/**
 * The native modules use Node's stable ABI, so that the headers beside the machine's own Node do, of whatever version,
 * which saves a download from nodejs.org. Nobody's own `nodedir` is overridden.
 */
function headers(): string[] {
  if (process.env.npm_config_nodedir) return [];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder.startsWith(projectFolder)) continue;
    const prefix = dirname(folder);
    if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) return [`--nodedir=${prefix}`];
  }
  return [];
}
