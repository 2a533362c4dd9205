import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const STOP_GRACE_MS = 3_000;

/**
 * Stops the Local Modal server with this data folder, including its sandboxes. The server would wait for its window or command
 * line to return, which is right for users, but too long for a folder that is about to be removed.
 */
export async function stopLocalModal(data: string): Promise<void> {
  const deadline = Date.now() + STOP_GRACE_MS;
  for (let isSignaled = false; ; isSignaled = true) {
    const servers = await processesWith(data);
    if (servers.length === 0) return;
    const late = Date.now() > deadline;
    if (!isSignaled || late) for (const pid of servers) signal(pid, late ? 'SIGKILL' : 'SIGTERM');
    if (late) return;
    await sleep(50);
  }
}

/** Returns the processes that have the folder on their command line. */
async function processesWith(folder: string): Promise<number[]> {
  if (process.platform === 'win32') return [];
  if (process.platform !== 'linux') {
    // `runProcess` doesn't start anything while this process is exiting, which may be now.
    const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,args='], { timeout: 5_000 });
    const lines = stdout.split('\n').filter((line) => line.includes(folder));
    return lines.map((line) => Number.parseInt(line, 10));
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commandLine = (pid: string) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const found = await Promise.all(
    pids.map(async (pid) => ((await commandLine(pid)).includes(folder) ? [Number(pid)] : [])),
  );
  return found.flat();
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has already exited.
  }
}
