/** Finds gVisor's program, and finds out whether it is fit, by running programs in it. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Isolation } from '../container.ts';
import { removeTree } from '../remove-tree.ts';
import { canPassDescriptors, PERL } from './control.ts';

/** Where Debian's package and gVisor's own instructions put it. It may also be elsewhere in the PATH of this server. */
const FOLDERS = ['/usr/bin', '/usr/local/bin'];
const INSTALLATION =
  'On Debian 13 or Ubuntu, install the package runsc. Elsewhere, see https://gvisor.dev/docs/user_guide/install';

// Debian 12's package can't tell a file's size, and another one loses processes.
const TRIAL_SCRIPT =
  'stat -c %s /etc/hosts && i=0 && while [ $i -lt 30 ]; do /bin/true && i=$((i+1)) || exit 1; done; exit 0';
const TRIAL_LIMIT_MS = 20_000;
/** Increase this when the trial changes. */
const TRIAL_VERSION = 1;

const VerdictSchema = z.object({ of: z.string(), problem: z.string().optional() });

/** Returns the path of the installed `runsc`, or why there is none that could be used. */
export function findRunsc(): { path: string } | { problem: string } {
  const ofPath = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  const path = [...FOLDERS, ...ofPath].map((folder) => join(folder, 'runsc')).find((file) => existsSync(file));
  if (!path) return { problem: `gVisor isn't installed. ${INSTALLATION}` };
  if (!existsSync(PERL) || !canPassDescriptors()) return { problem: 'gVisor requires Perl, and x86-64 or Arm64' };
  return { path };
}

/**
 * Returns why a `runsc` isn't fit, or undefined if it is. The result is remembered in the data folder for as long as neither the
 * program nor the kernel changes. `isolation` uses the program.
 */
export async function whyUnfit(runsc: string, isolation: Isolation, dataFolder: string): Promise<string | undefined> {
  const { mtimeMs, size } = statSync(runsc);
  const of = JSON.stringify([TRIAL_VERSION, runsc, mtimeMs, size, release()]);
  const file = join(dataFolder, 'gvisor.json');
  const known = await readFile(file, 'utf8')
    .then((text) => VerdictSchema.parse(JSON.parse(text)))
    .catch(() => undefined);
  if (known?.of === of) return known.problem;
  const verdict = await tryOut(isolation, join(dataFolder, 'trial-gvisor'));
  // A busy computer isn't the program's fault.
  if (verdict !== 'slow') await writeFile(file, JSON.stringify({ of, problem: verdict }), { mode: 0o600 });
  return verdict === 'slow' ? `${runsc} hasn't run a program within ${TRIAL_LIMIT_MS / 1000} seconds` : verdict;
}

async function tryOut(isolation: Isolation, folder: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const nothing = openSync('/dev/null', 'r+');
  try {
    const container = await isolation.start({ folder, layers: [], network: 'none', limits: {} });
    try {
      const argv = ['/bin/sh', '-c', TRIAL_SCRIPT];
      const env = { PATH: '/usr/bin:/bin' };
      const command = await container.spawn({ argv, env, workdir: '/', stdio: [nothing, nothing, nothing] });
      const status = await Promise.race([command.exited, pause(TRIAL_LIMIT_MS, 'slow' as const, { ref: false })]);
      if (status === 'slow' || status.code === 0) return status === 'slow' ? status : undefined;
      return 'Ordinary programs fail in this version of gVisor. Install a newer one';
    } finally {
      await container.kill();
    }
  } catch (error) {
    return `gVisor doesn't start on this computer: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    closeSync(nothing);
    await removeTree(folder);
  }
}
