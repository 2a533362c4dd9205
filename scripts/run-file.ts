/** `npm start -- --run file`: runs a file with the command line of the extension, which has the streams of this process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { beforeExit } from './cleanup.ts';
import { distFolder, fromWhereNpmRan, vscodeTestFolder } from './paths.ts';

export interface RunFileOptions {
  /** An absolute path, or one relative to the folder or to where npm was run. */
  readonly file: string;
  /** The absolute path of the workspace folder. */
  readonly folder: string;
  /** The flags of the command line that name the account. */
  readonly account: readonly string[];
}

/** Runs a file, and returns the exit code of the command line. */
export async function runFile({ file, folder, account }: RunFileOptions): Promise<number> {
  const path = isAbsolute(file) ? file : existsSync(join(folder, file)) ? join(folder, file) : fromWhereNpmRan(file);
  if (!existsSync(path)) throw new Error(`File ${file} doesn't exist in ${folder}. Specify a file in that folder.`);
  const args = [join(distFolder, 'cli.cjs'), 'run', ...account, '--folder', folder, '--', path];
  // Apart from the command line that is installed. In the process group of this process, which has the terminal.
  const env = { MODAL_SANDBOXES_HOME: join(vscodeTestFolder, 'command-line'), ...process.env };
  const child = spawn(process.execPath, args, { stdio: 'inherit', env });
  const ended = once(child, 'exit');
  beforeExit(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const [code] = await ended;
  return Number(code ?? 128);
}
