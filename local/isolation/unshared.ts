/** The process of a container's namespaces: `unshare` with a script as PID 1, which waits on a pipe from this server. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { runHelper, spawnHelper } from './helpers.ts';
import type { AppliedLimits } from './limits.ts';
import { sameIds } from './root-mapping.ts';
import { tool } from './tools.ts';

// If the server is root, of its own namespace (see `root-mapping.ts`), sandboxes have all of its IDs, so that they can have other
// users. The maps are written from outside, and root's capabilities in the new namespace take effect only with an exec after
// that.
const MAPPED_SCRIPT = `
echo unmapped
read -r _
exec "$@"
`;

// Only a process in the namespace above may write the maps.
const MAP_SCRIPT = 'printf %s "$1" > "/proc/$0/gid_map" && printf %s "$2" > "/proc/$0/uid_map"';

export const IS_ROOT = process.getuid?.() === 0;
/** Longer than any observed start, even on a busy host. */
const START_TIMEOUT_MS = 30_000;

/** Running namespaces. */
export interface Unshared {
  /** The `unshare` process. */
  readonly init: ChildProcessWithoutNullStreams;
  /** The host process ID that the script printed. */
  readonly pid: number;
  /** Resolves when all processes of the namespaces are gone. */
  readonly ended: Promise<void>;
}

/**
 * Runs a script, given as a command line, in a new user namespace and the given other ones. Waits until it prints `ready PID`. `enter` is the
 * beginning of a command line that first enters others.
 */
export async function startUnshared(
  namespaces: readonly string[],
  script: readonly string[],
  limits: AppliedLimits,
  enter: readonly string[] = [],
): Promise<Unshared> {
  const argv = IS_ROOT
    ? ['--user', 'sh', '-c', MAPPED_SCRIPT, 'sandbox', 'unshare', ...namespaces, ...script]
    : ['--user', '--map-root-user', ...namespaces, ...script];
  const [program = '', ...args] = limits.wrap([...enter, tool('unshare'), ...argv]);
  const init = spawnHelper(program, args, { detached: true });
  const ended = once(init, 'exit').then(() => limits.remove());
  return { init, pid: await readiness(init, enter), ended };
}

/** Writes the maps of a process that is in a new user namespace below the one that `enter` leads to. */
async function mapIds(pid: number, enter: readonly string[]): Promise<void> {
  const [program, ...args] = enter;
  if (program)
    return runHelper(program, [...args, tool('sh'), '-c', MAP_SCRIPT, String(pid), sameIds('gid'), sameIds('uid')]);
  await writeFile(`/proc/${pid}/gid_map`, sameIds('gid'));
  await writeFile(`/proc/${pid}/uid_map`, sameIds('uid'));
}

/** Waits until PID 1 is ready. Returns its process ID on the host. */
async function readiness(child: ChildProcessWithoutNullStreams, enter: readonly string[]): Promise<number> {
  let errorOutput = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorOutput += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'unmapped') {
        await mapIds(child.pid ?? 0, enter);
        child.stdin.write('mapped\n');
      } else if (line.startsWith('ready ')) {
        return Number(line.slice('ready '.length));
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`Could not create namespaces: ${errorOutput.trim() || 'unshare exited without an error message'}`);
}
