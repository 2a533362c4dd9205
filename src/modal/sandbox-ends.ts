/** The way a sandbox stopped. `exited`: its entrypoint finished; `failed`: with an error; `unstarted`: it never ran. */
export type SandboxEnd = 'exited' | 'failed' | 'terminated' | 'timeout' | 'unstarted' | 'preempted' | 'idle';

/** `GenericResult.GenericStatus` of Modal's api.proto. Modal reports a preempted sandbox as an internal failure (6). */
const ENDS: Readonly<Record<number, SandboxEnd>> = {
  1: 'exited',
  2: 'failed',
  3: 'terminated',
  4: 'timeout',
  5: 'unstarted',
  6: 'preempted',
  7: 'idle',
};

/** Returns how a sandbox with this status stopped; statuses of later versions of Modal count as `exited`. */
export function sandboxEnd(status: number): SandboxEnd {
  return ENDS[status] ?? 'exited';
}
