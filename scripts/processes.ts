/** Child processes that are never left behind. Each one leads a process group, which is stopped when this process exits. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeExit, isExiting } from './cleanup.ts';

const HAS_PROCESS_GROUPS = process.platform !== 'win32';

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code when the process exits, or 128 if a signal killed it. Rejects if it cannot be started. */
  readonly ended: Promise<number>;
  /** Sends SIGTERM to the whole group, and SIGKILL after a grace period. */
  stop(): Promise<void>;
}

export interface FinishedProcess {
  readonly exitCode: number;
  /** stdout and stderr, in the order in which they arrived. */
  readonly output: string;
}

export interface StartOptions extends SpawnOptions {
  /** The time between SIGTERM and SIGKILL. Longer if the process has its own processes to stop. */
  readonly stopGraceMs?: number;
}

/** Starts a process that leads its own group. The group is stopped when this process exits. */
export function startProcess(
  command: string,
  args: readonly string[],
  { stopGraceMs = 3_000, ...options }: StartOptions = {},
): RunningProcess {
  if (isExiting()) throw new Error(`Cannot start ${command} because this process is exiting.`);
  const child = spawn(command, args, { ...options, detached: HAS_PROCESS_GROUPS });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`Could not start ${command}: ${error.message}`)));
    child.once('exit', (code) => resolve(code ?? 128));
  });
  ended.catch(() => {});
  const stop = beforeExit(() => stopGroup(child, stopGraceMs));
  return { child, ended, stop };
}

/** Runs a process until it exits, and collects its output. Throws if it takes longer than `timeoutMs`. */
export async function runProcess(
  command: string,
  args: readonly string[],
  { timeoutMs, ...options }: SpawnOptions & { timeoutMs: number },
): Promise<FinishedProcess> {
  const running = startProcess(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  running.child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  running.child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const tooLong = () =>
      reject(new Error(`${command} ${args.join(' ')} took longer than ${timeoutMs / 1000} s.\n${output()}`));
    timer = setTimeout(tooLong, timeoutMs);
  });
  try {
    const exitCode = await Promise.race([running.ended, late]);
    return { exitCode, output: output() };
  } finally {
    clearTimeout(timer);
    await running.stop();
  }
}

/** Stops the process group that `child` leads, even if the leader itself has already exited. */
async function stopGroup(child: ChildProcess, stopGraceMs: number): Promise<void> {
  if (child.pid === undefined || !signalGroup(child, 'SIGTERM')) return;
  const deadline = Date.now() + stopGraceMs;
  while (Date.now() < deadline) {
    if (!signalGroup(child, 0) || hasOnlyZombies(child.pid)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  signalGroup(child, 'SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Sends a signal to the group. Returns false if it no longer exists. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    if (HAS_PROCESS_GROUPS) return process.kill(-child.pid, signal);
    if (signal === 'SIGKILL') spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' });
    return child.kill(signal);
  } catch {
    return false;
  }
}

/** Returns true if a group has only zombies, because a container's PID 1 may be slow to reap them. */
function hasOnlyZombies(group: number): boolean {
  if (process.platform !== 'linux') return false;
  return readdirSync('/proc').every((pid) => {
    if (!/^\d+$/.test(pid)) return true;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The format is: pid (name) state parent group … The name may contain any characters.
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) !== group || state === 'Z';
    } catch {
      return true;
    }
  });
}
