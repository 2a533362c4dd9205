/** Runs `npm start -- --run` as a user does, in a separate process. */
import { projectFolder } from '../../scripts/paths.ts';
import { type RunningProcess, startProcess } from '../../scripts/processes.ts';

export interface StartedRun {
  readonly running: RunningProcess;
  stdout(): string;
  stderr(): string;
}

export interface StartRunOptions {
  /** The folder for what the command line remembers. */
  readonly home: string;
  /** The current directory. Defaults to the project. */
  readonly from?: string;
  /** Defaults to nothing. */
  readonly input?: 'ignore' | 'pipe';
}

/** Starts `npm start -- --run` with these arguments. */
export function npmStartRun(
  args: readonly string[],
  { home, from = projectFolder, input = 'ignore' }: StartRunOptions,
): StartedRun {
  const command = ['start', '--silent', '--prefix', projectFolder, '--', '--run', ...args];
  const running = startProcess(process.platform === 'win32' ? 'npm.cmd' : 'npm', command, {
    cwd: from,
    env: { ...process.env, MODAL_SANDBOXES_HOME: home },
    stdio: [input, 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const collected = { stdout: '', stderr: '' };
  running.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    collected.stdout += text;
  });
  running.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    collected.stderr += text;
  });
  return { running, stdout: () => collected.stdout, stderr: () => collected.stderr };
}
