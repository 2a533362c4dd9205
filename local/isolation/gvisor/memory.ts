/**
 * The memory of a sandbox's programs, which is a file of the sentry's without a name. So it can be limited also where no cgroup
 * can be created.
 */
import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { processTree } from '../processes.ts';

const MEMORY_FILE = '/memfd:runsc-memory (deleted)';
const INTERVAL_MS = 100;
const BLOCK_BYTES = 512;

export interface MemoryWatch {
  stop(): void;
}

/**
 * Looks ten times a second whether the programs below the process `pid` use more than `limitMiB`, and then calls `onExceeded`, once.
 * What they allocate between two looks isn't limited. Throws if there is no sentry.
 */
export function watchMemory(pid: number, limitMiB: number, onExceeded: () => void): MemoryWatch {
  const file = openMemory(pid);
  const timer = setInterval(() => {
    if (fstatSync(file).blocks * BLOCK_BYTES <= limitMiB * 1024 * 1024) return;
    stop();
    onExceeded();
  }, INTERVAL_MS).unref();
  let isOpen = true;
  function stop(): void {
    clearInterval(timer);
    if (isOpen) closeSync(file);
    isOpen = false;
  }
  return { stop };
}

function openMemory(pid: number): number {
  for (const each of processTree(pid)) {
    const folder = `/proc/${each}/fd`;
    const fd = readdirSync(folder).find((name) => linkOf(`${folder}/${name}`) === MEMORY_FILE);
    if (fd !== undefined) return openSync(`${folder}/${fd}`, 'r');
  }
  throw new Error("This version of gVisor doesn't tell how much memory a sandbox uses, so it can't be limited");
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    // It has been closed.
    return undefined;
  }
}
