/** Looks at processes through /proc, and ends them. */
import { readdirSync, readFileSync } from 'node:fs';

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** `pid` and all processes below it, parents first. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; after it come state, ppid, pgrp.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/**
 * SIGKILL to everything below `pid` and to the process groups of those processes; `pid` itself is left alone, so that it
 * can still pass on how its child ended.
 */
export function killBelow(pid: number): void {
  const below = processTree(pid).slice(1);
  const own = groupOf(process.pid);
  const groups = new Set(below.map(groupOf).filter((group) => group !== undefined && group !== own && group !== pid));
  for (const group of groups) if (group && group > 1) signal(-group);
  for (const each of below) signal(each);
}
