/** Child processes that cannot be left behind: each leads a process group of its own, which ends with us. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeExit, isEnding } from './cleanup.ts';

const HAS_PROCESS_GROUPS = process.platform !== 'win32';

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Settles when the process has ended: its exit code, or 128 when a signal ended it. Rejects if it cannot start. */
  readonly ended: Promise<number>;
  /** Asks the whole group to end, and forces it after a grace time. */
  stop(): Promise<void>;
}

export interface FinishedProcess {
  readonly exitCode: number;
  /** stdout and stderr as they came. */
  readonly output: string;
}

export interface StartOptions extends SpawnOptions {
  /** How long it may take to end when asked, before it is forced. Longer where it has processes of its own to end. */
  readonly stopGraceMs?: number;
}

/** Starts a process that leads a group of its own; the group is stopped when this process ends. */
export function startProcess(
  command: string,
  args: readonly string[],
  { stopGraceMs = 3_000, ...options }: StartOptions = {},
): RunningProcess {
  if (isEnding()) throw new Error(`Not starting ${command}: this process is ending.`);
  const child = spawn(command, args, { ...options, detached: HAS_PROCESS_GROUPS });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`Could not start ${command}: ${error.message}`)));
    child.once('exit', (code) => resolve(code ?? 128));
  });
  ended.catch(() => {});
  const stop = beforeExit(() => stopGroup(child, stopGraceMs));
  return { child, ended, stop };
}

/** Runs a process to its end, collecting what it prints. Throws when it takes longer than `timeoutMs`. */
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

/**
 * Ends the group that `child` leads. The leader may be gone while others of its group still run, so that the group is
 * asked in any case.
 */
async function stopGroup(child: ChildProcess, stopGraceMs: number): Promise<void> {
  if (child.pid === undefined || !signalGroup(child, 'SIGTERM')) return;
  const deadline = Date.now() + stopGraceMs;
  while (Date.now() < deadline) {
    if (!signalGroup(child, 0) || onlyZombies(child.pid)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  signalGroup(child, 'SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Returns whether there was anything to signal. */
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

/** Whether nobody of a group runs any more: a container's first process may be slow to collect the dead. */
function onlyZombies(group: number): boolean {
  if (process.platform !== 'linux') return false;
  return readdirSync('/proc').every((pid) => {
    if (!/^\d+$/.test(pid)) return true;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // pid (name) state parent group …, where the name may hold anything.
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) !== group || state === 'Z';
    } catch {
      return true;
    }
  });
}
