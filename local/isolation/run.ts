import { spawn } from 'node:child_process';

interface RunOptions {
  readonly cwd?: string;
  /** A file descriptor of this process that the program gets as its fd 3. */
  readonly handle?: number;
}

/** Runs a helper program, and waits until it exits. Throws an error with its stderr if it fails. */
export function run(program: string, args: readonly string[], { cwd, handle }: RunOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe', handle ?? 'ignore'] });
    let errorOutput = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errorOutput += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(errorOutput.trim() || `${program} exited with code ${code}`));
    });
  });
}
