/** Lists processes through `/proc`, and kills them. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExecStatus } from '../grpc/wire.ts';

/** Waits until a process exits. */
export function exitOf(child: ChildProcess): Promise<ExecStatus> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? { signal: constants.signals[signal] } : { code: code ?? 0 }));
  });
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Returns `pid` and its descendants, parents first. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces. It is followed by state, ppid, and pgrp.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already exited.
  }
}

/**
 * Sends SIGKILL to the descendants of `pid` and to their process groups. `pid` itself isn't killed, so that it can still
 * report how its child exited. Returns whether there were any.
 */
export function killDescendants(pid: number): boolean {
  const below = processTree(pid).slice(1);
  const own = groupOf(process.pid);
  const groups = new Set(below.map(groupOf).filter((group) => group !== undefined && group !== own && group !== pid));
  for (const group of groups) if (group && group > 1) kill(-group);
  for (const each of below) kill(each);
  return below.length > 0;
}
