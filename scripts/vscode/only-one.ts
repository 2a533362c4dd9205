import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeExit } from '../cleanup.ts';
import { say } from '../say.ts';

const HEARTBEAT_INTERVAL_MS = 2_000;
const STALE_AFTER_MS = 30_000;

/**
 * Runs `work` while no other process on this computer runs work with the same `lock` (a path). Waits up to `timeoutMs` for
 * other processes. Takes over the lock of a process that died.
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
  let isReported = false;
  while (!(await take(lock))) {
    if (await isStale(lock)) {
      await rm(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) {
      const holder = await readFile(join(lock, 'pid'), 'utf8').catch(() => 'unknown');
      throw new Error(`Process ${holder} has held ${lock} for more than ${timeoutMs / 1000} s. If it hangs, stop it.`);
    }
    if (!isReported) say('Waiting for a download by another process…');
    isReported = true;
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
  const heartbeat = await stat(join(lock, 'pid')).catch(() => stat(lock).catch(() => undefined));
  return heartbeat !== undefined && Date.now() - heartbeat.mtimeMs > STALE_AFTER_MS;
}
