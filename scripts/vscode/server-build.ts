/**
 * VS Code's server build, from npm. The package `code-server` contains the same workbench and extension host as the desktop
 * version. It is for computers without a desktop, or without access to VS Code's own downloads.
 *
 * The package isn't a dependency, because its install script takes minutes and has more requirements.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { projectFolder, vscodeTestFolder } from '../paths.ts';
import { runProcess } from '../processes.ts';
import { say } from '../say.ts';
import { onlyOne } from './only-one.ts';

/** The version of the npm package. It is VS Code's version with major version 4: 4.139.1 is VS Code 1.139.1. */
const VERSION = '4.139.1';
const NATIVE_MODULES = ['node-pty', '@vscode/spdlog', '@vscode/native-watchdog', '@vscode/fs-copyfile'];
const STEP_TIMEOUT_MS = 10 * 60_000;
const PATH_IN_PACKAGE = ['node_modules', 'code-server', 'lib', 'vscode'];

/** Returns the folder of VS Code's server build. Downloads it if needed (about a minute, 600 MB). */
export async function serverBuild(): Promise<string> {
  const folder = join(vscodeTestFolder, `vscode-server-${VERSION}`);
  const vscode = join(folder, ...PATH_IN_PACKAGE);
  if (existsSync(folder)) return vscode;
  await onlyOne(`${folder}.lock`, 2 * STEP_TIMEOUT_MS, async () => {
    if (!existsSync(folder)) await downloadTo(folder);
  });
  return vscode;
}

/** Downloads to a temporary folder and renames it, so that an interrupted download is never used. */
async function downloadTo(folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await writeFile(join(unfinished, 'package.json'), '{ "private": true }\n');
  const vscode = join(unfinished, ...PATH_IN_PACKAGE);
  const started = Date.now();
  say(`Downloading VS Code ${VERSION.replace(/^4/, '1')} to .vscode-test (only once, about a minute)…`);
  await npm('download VS Code', unfinished, [
    'install',
    '--ignore-scripts',
    '--no-package-lock',
    `code-server@${VERSION}`,
  ]);
  say('Downloading packages for VS Code…');
  await npm('download packages for VS Code', vscode, ['install', '--omit=dev', '--ignore-scripts']);
  await npm('download TypeScript for VS Code', join(vscode, 'extensions'), [
    'install',
    '--omit=dev',
    '--ignore-scripts',
  ]);
  say('Compiling native modules for VS Code…');
  await npm('compile native modules for VS Code', vscode, ['rebuild', ...NATIVE_MODULES, ...headers()]);
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
  const advice = 'This requires access to the npm registry, python3, and a C++ compiler (build-essential on Debian).';
  throw new Error(`Could not ${purpose}. npm ${args[0]} exited with code ${exitCode}. ${advice}\n${output}`);
}

/**
 * Returns npm options that use the headers of the installed Node, which saves a download from nodejs.org. Any version works,
 * because the native modules use Node's stable ABI. Doesn't override the user's own `nodedir`.
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
