import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeExit } from '../cleanup.ts';
import { say } from '../say.ts';

const HEARTBEAT_INTERVAL_MS = 2_000;
const STALE_AFTER_MS = 30_000;

/**
 * Runs `work` while no other process on this machine runs work under the same `lock` (a path). Waits up to `timeoutMs`
 * for the others. A lock whose holder died is taken over.
 */
export async function onlyOne<T>(lock: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  await acquire(lock, timeoutMs);
  const owner = join(lock, 'pid');
  await writeFile(owner, String(process.pid));
  const heartbeat = setInterval(
    () => void utimes(owner, new Date(), new Date()).catch(() => {}),
    HEARTBEAT_INTERVAL_MS,
  );
  const release = beforeExit(() => {
    clearInterval(heartbeat);
    return rm(lock, { recursive: true, force: true });
  });
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(lock: string, timeoutMs: number): Promise<void> {
  await mkdir(dirname(lock), { recursive: true });
  const deadline = Date.now() + timeoutMs;
  let told = false;
  while (!(await take(lock))) {
    if (await isStale(lock)) {
      await rm(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) {
      const holder = await readFile(join(lock, 'pid'), 'utf8').catch(() => 'unknown');
      throw new Error(`Waited ${timeoutMs / 1000} s for process ${holder}, which holds ${lock}. If it hangs, end it.`);
    }
    if (!told) say('Waiting for another process to finish fetching…');
    told = true;
    await sleep(250);
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(lock: string): Promise<boolean> {
  const alive = await stat(join(lock, 'pid')).catch(() => stat(lock).catch(() => undefined));
  return alive !== undefined && Date.now() - alive.mtimeMs > STALE_AFTER_MS;
}
