/** Kills a command in gVisor with its descendants, without running anything in the sandbox. */
import { z } from 'zod';
import { SANDBOX_ID } from './bundle.ts';
import { CallRefused, type Control } from './control.ts';

const ProcessesSchema = z.array(
  z.object({
    status: z.object({ pid: z.number(), ppid: z.number() }),
    stat: z.object({ pgid: z.number(), sid: z.number() }),
  }),
);

const SIGKILL = 9;

/**
 * Sends SIGKILL to a process, its descendants, and the process groups of all of these. Every command leads a session of its own,
 * so the groups are only its own.
 */
export async function killTree(control: Control, pid: number): Promise<void> {
  const processes = await control.call('containerManager.ProcfsDump', {}, ProcessesSchema);
  const pids = new Set([pid]);
  const groups = new Set([pid]);
  for (let before = 0; before < pids.size; ) {
    before = pids.size;
    for (const { status, stat } of processes) {
      if (!pids.has(status.ppid) && !pids.has(status.pid) && !groups.has(stat.pgid)) continue;
      pids.add(status.pid);
      groups.add(stat.pgid);
    }
  }
  for (const each of pids) {
    const call = control.call('containerManager.Signal', { CID: SANDBOX_ID, Signo: SIGKILL, PID: each }, z.unknown());
    await call.catch((error) => {
      // It has already exited.
      if (!(error instanceof CallRefused)) throw error;
    });
  }
}
