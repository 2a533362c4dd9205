import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProcess } from '../processes.ts';

const endTimeoutMs = 5_000;

/**
 * Ends the local Modal that the extension started for a profile, and its sandboxes with it. It would wait half a minute
 * for the window to come back, which is right for a user and too long for a folder that is about to be removed.
 */
export async function endLocalModal(userDataDir: string): Promise<void> {
  const data = join(userDataDir, 'User', 'globalStorage', 'modal-sandboxes.modal-sandboxes', 'local-modal');
  const pid = await pidIn(join(data, 'server.json'));
  if (pid === undefined) return;
  const deadline = Date.now() + endTimeoutMs;
  for (let asked = false; await isServerOf(data, pid); asked = true) {
    const late = Date.now() > deadline;
    if (!asked || late) signal(pid, late ? 'SIGKILL' : 'SIGTERM');
    await sleep(50);
  }
}

async function pidIn(file: string): Promise<number | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(file, 'utf8')) as { pid?: unknown };
    return typeof pid === 'number' ? pid : undefined;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended in between.
  }
}

/** Whether the process is that server: a number in a file may have gone to another process since. */
async function isServerOf(data: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return commandLine.includes(data);
  }
  if (process.platform === 'win32') return false;
  const { output } = await runProcess('ps', ['-o', 'args=', '-p', String(pid)], { timeoutMs: 5_000 });
  return output.includes(data);
}
