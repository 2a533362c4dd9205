/**
 * Memory and CPU limits. If this user can create cgroups, they limit the container as a whole. Otherwise, memory is limited
 * for each process (its data segment) or by the caller, and CPU isn't limited.
 */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Limits } from './container.ts';

const CGROUPS = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

export interface AppliedLimits {
  /** Returns a command line that runs `argv`, which begins with an absolute path, within the limits. */
  wrap(argv: readonly string[]): string[];
  /** Removes the limits of a stopped container. */
  remove(): Promise<void>;
}

export const UNLIMITED: AppliedLimits = { wrap: (argv) => [...argv], remove: async () => {} };

// The arguments before `--` are the `cgroup.procs` files to join.
const JOIN_SCRIPT = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 126; shift; done; shift; exec "$@"';
const ULIMIT_SCRIPT = 'ulimit -d "$0"; exec "$@"';

interface LimitOptions {
  /** Whether memory is limited for each process if it can't be for the container as a whole. gVisor's sentry doesn't bear that. */
  readonly perProcess: boolean;
}

/** Applies limits. `name` is the name of the cgroups, and must be unique on the host. */
export async function applyLimits(name: string, limits: Limits, { perProcess }: LimitOptions): Promise<AppliedLimits> {
  const { memoryMiB, cpus } = limits;
  if (memoryMiB === undefined && cpus === undefined) return UNLIMITED;
  const groups = await makeGroups(name, limits).catch(() => undefined);
  if (groups) {
    const files = groups.map((group) => join(group, 'cgroup.procs'));
    return {
      wrap: (argv) => ['/bin/sh', '-c', JOIN_SCRIPT, 'sh', ...files, '--', ...argv],
      async remove() {
        for (const group of groups) await rmdir(group).catch(() => {});
      },
    };
  }
  if (memoryMiB === undefined || !perProcess) return UNLIMITED;
  return { ...UNLIMITED, wrap: (argv) => ['/bin/sh', '-c', ULIMIT_SCRIPT, String(memoryMiB * 1024), ...argv] };
}

/** Creates the cgroups of a container. Throws if the kernel or the user's permissions don't allow it. */
async function makeGroups(name: string, { memoryMiB, cpus }: Limits): Promise<string[]> {
  const own = await readFile('/proc/self/cgroup', 'utf8');
  const bytes = memoryMiB === undefined ? undefined : String(memoryMiB * 1024 * 1024);
  const quota = cpus === undefined ? undefined : Math.max(1000, Math.round(cpus * PERIOD_US));
  const unified = /^0::(.*)$/m.exec(own)?.[1];
  const settings: [folder: string, file: string, value: string][] = [];
  if (unified !== undefined && (await isReadable(join(CGROUPS, 'cgroup.controllers')))) {
    const folder = join(CGROUPS, unified, name);
    if (bytes) settings.push([folder, 'memory.max', bytes]);
    if (quota) settings.push([folder, 'cpu.max', `${quota} ${PERIOD_US}`]);
  } else {
    if (bytes) settings.push([join(CGROUPS, 'memory', name), 'memory.limit_in_bytes', bytes]);
    if (quota) settings.push([join(CGROUPS, 'cpu', name), 'cpu.cfs_quota_us', String(quota)]);
  }
  const folders = [...new Set(settings.map(([folder]) => folder))];
  try {
    for (const folder of folders) await mkdir(folder);
    for (const [folder, file, value] of settings) await writeFile(join(folder, file), value);
  } catch (error) {
    for (const folder of folders) await rmdir(folder).catch(() => {});
    throw error;
  }
  return folders;
}

const isReadable = (file: string) =>
  readFile(file).then(
    () => true,
    () => false,
  );
