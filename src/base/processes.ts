import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that runs now. */
export interface RunningProcess {
  /** When it started, in the system's own terms. Another process that gets the same ID later has another value. */
  readonly startedAt: string;
  /** The user that it belongs to. Undefined on Windows, where `startedAt` is empty, too. */
  readonly uid: number | undefined;
}

/** Returns the process with an ID. Returns undefined if there is none, or if it has exited. */
export async function runningProcess(pid: number): Promise<RunningProcess | undefined> {
  try {
    if (process.platform === 'linux') return await fromProc(pid);
    if (process.platform !== 'win32') return await fromPs(pid);
    process.kill(pid, 0);
    return { startedAt: '', uid: undefined };
  } catch {
    return undefined;
  }
}

async function fromProc(pid: number): Promise<RunningProcess | undefined> {
  const folder = `/proc/${pid}`;
  const [text, { uid }, boot] = await Promise.all([
    readFile(`${folder}/stat`, 'utf8'),
    stat(folder),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ]);
  // The name in parentheses may contain spaces. It is followed by the state, and by the start time as the 20th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const isDead = state === 'Z' || state === 'X';
  return isDead ? undefined : { startedAt: `${boot.trim()} ${fields[19]}`, uid };
}

async function fromPs(pid: number): Promise<RunningProcess | undefined> {
  const args = ['-o', 'uid=,lstart=', '-p', String(pid)];
  const { stdout } = await promisify(execFile)('/bin/ps', args, { env: { LC_ALL: 'C' }, timeout: 5_000 });
  const [, uid, startedAt] = /^\s*(\d+)\s+(.+?)\s*$/.exec(stdout) ?? [];
  return startedAt === undefined ? undefined : { startedAt, uid: Number(uid) };
}

/** Identifies a process that may have exited since. */
export interface ProcessReference {
  readonly pid: number;
  readonly startedAt: string;
}

/**
 * Returns whether a process still runs and belongs to the user of this process. Root owns those of all users: Local Modal gives
 * up root's rights when it starts.
 */
export async function isOwnRunningProcess({ pid, startedAt }: ProcessReference): Promise<boolean> {
  const found = await runningProcess(pid);
  const user = process.getuid?.();
  return found?.startedAt === startedAt && (found.uid === undefined || user === 0 || found.uid === user);
}

/** Returns a reference to this process. */
export async function thisProcess(): Promise<ProcessReference> {
  const found = await runningProcess(process.pid);
  return { pid: process.pid, startedAt: found?.startedAt ?? '' };
}
