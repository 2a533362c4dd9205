/** Helper programs of this server: util-linux, coreutils, and Perl, each with a fixed environment. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { tool } from './tools.ts';

/**
 * The whole environment of every helper. Programs in a sandbox can read that of a helper that enters it, and this process's
 * own may contain the user's secrets.
 */
export const HELPER_ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

interface HelperOptions {
  /** Put it into its own process group. */
  readonly detached?: boolean;
}

/** Starts a helper by its name or its absolute path. Its stdio are pipes. */
export function spawnHelper(
  name: string,
  args: readonly string[],
  { detached = false }: HelperOptions = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(tool(name), args, { cwd: '/', env: HELPER_ENV, detached });
  child.stdin.on('error', () => {});
  return child;
}

interface RunOptions {
  /** A file descriptor of this process that the helper gets as its fd 3. */
  readonly handle?: number | undefined;
}

/** Runs a helper, and waits until it exits. Throws an error with its stderr if it fails. */
export function runHelper(name: string, args: readonly string[], { handle }: RunOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'ignore', 'pipe', handle ?? 'ignore'] as const;
    const child = spawn(tool(name), args, { cwd: '/', env: HELPER_ENV, stdio: [...stdio] });
    let errorOutput = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errorOutput += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(errorOutput.trim() || `${name} exited with code ${code}`));
    });
  });
}
