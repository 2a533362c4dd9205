import type { Sandbox } from 'modal';

/**
 * Returns how many processes a piece of work starts in a sandbox, apart from those of `execs` commands that do nothing. A
 * sandbox numbers its processes in order, so two numbers tell how many were started in between. The work is done a few times,
 * and the smallest number counts, because something that waits in the sandbox may start a process meanwhile.
 */
export async function processStarts(
  sandbox: Sandbox,
  work: (round: number) => Promise<unknown>,
  { execs = 1, pty = false } = {},
): Promise<number> {
  const nothing = async () => {
    for (let at = 0; at < execs; at += 1) await (await sandbox.exec(['true'], { pty })).wait();
  };
  const own = await fewest(sandbox, nothing);
  return (await fewest(sandbox, work)) - own;
}

const ROUNDS = 3;

async function fewest(sandbox: Sandbox, work: (round: number) => Promise<unknown>): Promise<number> {
  let starts = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await nextId(sandbox);
    await work(round);
    starts = Math.min(starts, (await nextId(sandbox)) - before);
  }
  return starts;
}

async function nextId(sandbox: Sandbox): Promise<number> {
  const process = await sandbox.exec(['sh', '-c', 'echo $$']);
  return Number(await process.stdout.readText());
}
