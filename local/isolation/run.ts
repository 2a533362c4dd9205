import { spawn } from 'node:child_process';

interface RunOptions {
  readonly cwd?: string;
  /** A descriptor of this process that the program finds as its fd 3. */
  readonly handle?: number;
}

/**
 * Runs a helper program to its end.
 * @throws with what it wrote to stderr, when it fails
 */
export function run(program: string, args: readonly string[], { cwd, handle }: RunOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe', handle ?? 'ignore'] });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(complaint.trim() || `${program} ended with ${code}`));
    });
  });
}
