import type { Sandbox } from 'modal';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { HOST_VOLUME_PATH } from '../../profiles/schema.ts';
import type { Ask } from '../../sync/push/questions.ts';
import type { FolderSyncs } from '../folder-syncs.ts';
import type { Sessions } from '../sessions.ts';
import { mustRun, runCommand } from '../shell-commands.ts';
import type { PoolParts, WarmTarget } from './pool.ts';

/** How long one setup command or health check may take. */
const timeoutMs = 300_000;

export interface WarmParts {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  readonly clock: Clock;
  readonly account: () => string;
  readonly onChange?: () => void;
}

/** How sandboxes become warm, with the real parts. Nobody is asked anything: what a sync would ask about stays unsent. */
export function poolParts({ sessions, syncs, ...parts }: WarmParts): PoolParts {
  const ask: Ask = ({ kind }) => kind === 'first-sync' && syncs.isLocal;
  const sync = async (sandbox: Sandbox, folder: WarmTarget['folder'], signal?: AbortSignal) => {
    try {
      await syncs.of(folder).push(sandbox, { ask, ...(signal && { signal }) });
    } catch (error) {
      // The run that takes the sandbox syncs again, and asks.
      if (!(error instanceof UserError)) throw error;
    }
  };
  return {
    ...parts,
    start: ({ folder, named }, signal) => sessions.startSpare(folder, named, signal),
    prepare: async (sandbox, { folder, warm }, signal) => {
      await sync(sandbox, folder, signal);
      for (const command of warm.setup)
        await mustRun(sandbox, command, { what: 'setup command', key: 'warm', timeoutMs, signal });
    },
    check: async (sandbox, { warm }, signal) => {
      const options = { what: 'health check', key: 'warm', timeoutMs, signal };
      if (warm.healthcheck) await mustRun(sandbox, warm.healthcheck, options);
    },
    sync: async (sandbox, folder) => {
      await sync(sandbox, folder);
      await sessions.used(sandbox.sandboxId);
    },
    touch: async (sandbox) => {
      await runCommand(sandbox, 'true', { timeoutMs });
      await sessions.used(sandbox.sandboxId);
    },
    end: (sandbox) => sessions.terminate(sandbox),
  };
}

/**
 * Removes files of the host volume's caches that were not used for long, and the oldest beyond a size. Says what was
 * removed; undefined when nothing was.
 */
export async function cleanCaches(
  sandbox: Sandbox,
  { named, warm }: WarmTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!named.profile.hostVolume) return undefined;
  const { output } = await runCommand(sandbox, cleanScript(warm.cacheMaxAgeDays, warm.cacheMaxMiB), {
    timeoutMs,
    signal,
  });
  const removed = Number(output.split('\n').at(-1));
  return removed > 0 ? `removed ${removed} old files from the caches` : undefined;
}

/** Prints how many files it has removed. Without GNU find, what is too much by size is left. */
function cleanScript(maxAgeDays: number, maxMiB: number): string {
  return [
    `cd ${HOST_VOLUME_PATH}/.cache 2>/dev/null || { echo 0; exit 0; }`,
    `old=$(find . -type f -atime +${maxAgeDays} -mtime +${maxAgeDays} -print -delete 2>/dev/null | wc -l)`,
    `big=$(find . -type f -printf '%A@ %s %p\\n' 2>/dev/null | sort -rn | awk -v max=${maxMiB * 1024 * 1024} '{ sum += $2; if (sum > max) { sub(/^[^ ]+ [^ ]+ /, ""); print } }' | while IFS= read -r file; do rm -f -- "$file" && echo; done | wc -l)`,
    `echo $((old + big))`,
  ].join('\n');
}
