/**
 * Limits on memory and CPU. A cgroup holds a container as a whole, where this user may make one; else memory is limited
 * process by process (what each may keep for itself), and CPU not at all.
 */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Limits } from './container.ts';

const CGROUPS = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

export interface AppliedLimits {
  /** A command line that runs `argv` within the limits. */
  wrap(argv: readonly string[]): string[];
  /** Forgets the limits of a container that has ended. */
  remove(): Promise<void>;
}

const unlimited: AppliedLimits = { wrap: (argv) => [...argv], remove: async () => {} };

// The first words are files that a process joins a cgroup by.
const JOIN_SCRIPT = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 126; shift; done; shift; exec "$@"';
const ULIMIT_SCRIPT = 'ulimit -d "$0"; exec "$@"';

/** @param name for a cgroup, unique on this machine */
export async function applyLimits(name: string, limits: Limits): Promise<AppliedLimits> {
  const { memoryMiB, cpus } = limits;
  if (memoryMiB === undefined && cpus === undefined) return unlimited;
  const groups = await makeGroups(name, limits).catch(() => undefined);
  if (groups) {
    const files = groups.map((group) => join(group, 'cgroup.procs'));
    return {
      wrap: (argv) => ['sh', '-c', JOIN_SCRIPT, 'sh', ...files, '--', ...argv],
      async remove() {
        for (const group of groups) await rmdir(group).catch(() => {});
      },
    };
  }
  if (memoryMiB === undefined) return unlimited;
  return { ...unlimited, wrap: (argv) => ['sh', '-c', ULIMIT_SCRIPT, String(memoryMiB * 1024), ...argv] };
}

/** Makes the cgroups of a container. @throws when this user may not, or the kernel has none */
async function makeGroups(name: string, { memoryMiB, cpus }: Limits): Promise<string[]> {
  const own = await readFile('/proc/self/cgroup', 'utf8');
  const bytes = memoryMiB === undefined ? undefined : String(memoryMiB * 1024 * 1024);
  const quota = cpus === undefined ? undefined : Math.max(1000, Math.round(cpus * PERIOD_US));
  const unified = /^0::(.*)$/m.exec(own)?.[1];
  const settings: [folder: string, file: string, value: string][] = [];
  if (unified !== undefined && (await has(join(CGROUPS, 'cgroup.controllers')))) {
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

const has = (file: string) =>
  readFile(file).then(
    () => true,
    () => false,
  );
