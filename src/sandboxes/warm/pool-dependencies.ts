import type { Sandbox } from 'modal';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { HOST_VOLUME_PATH } from '../../profiles/schema.ts';
import type { FolderSyncs } from '../folder-syncs.ts';
import type { SandboxStarter } from '../sandbox-starter.ts';
import { billing } from '../session.ts';
import { runCommand, runOrThrow } from '../shell-commands.ts';
import { strings } from '../strings.ts';
import type { PoolDependencies, WarmTarget } from './pool.ts';

/** The timeout of a setup command, health check, or cache cleanup. */
const COMMAND_TIMEOUT_MS = 300_000;

export interface WarmSandboxSources {
  readonly starter: SandboxStarter;
  readonly syncs: FolderSyncs;
  readonly clock: Clock;
  readonly account: () => string;
}

/**
 * Connects a warm pool to sandboxes and the sync. The user isn't asked anything: what a sync would ask about isn't
 * sent.
 */
export function poolDependencies({ starter, syncs, clock, account }: WarmSandboxSources): PoolDependencies {
  const timeoutMs = COMMAND_TIMEOUT_MS;
  const sync = async (sandbox: Sandbox, folder: WarmTarget['folder'], signal?: AbortSignal) => {
    try {
      const consent = syncs.consent(folder, billing(await starter.connection()));
      await syncs.of(folder).push(sandbox, { consent, ...(signal && { signal }) });
    } catch (error) {
      // The run that takes the sandbox syncs again, and asks.
      if (!(error instanceof UserError)) throw error;
    }
  };
  return {
    clock,
    account,
    start: ({ folder, named }, signal) => starter.startSpare(folder, named, signal),
    prepare: async (sandbox, { folder, warm }, signal) => {
      await sync(sandbox, folder, signal);
      for (const command of warm.setup)
        await runOrThrow(sandbox, command, { kind: 'setup command', key: 'warm', timeoutMs, signal });
    },
    check: async (sandbox, { warm }, signal) => {
      if (warm.healthcheck)
        await runOrThrow(sandbox, warm.healthcheck, { kind: 'health check', key: 'warm', timeoutMs, signal });
    },
    sync: async (sandbox, folder) => {
      await sync(sandbox, folder);
      await starter.noteUse(sandbox.sandboxId);
    },
    touch: async (sandbox) => {
      await runCommand(sandbox, 'true', { timeoutMs });
      await starter.noteUse(sandbox.sandboxId);
    },
    letGo: (sandbox) => starter.letGo(sandbox),
  };
}

/**
 * Removes files that haven't been used for long from the host volume's caches, and the oldest ones beyond a total size.
 * Returns a description of what was removed; undefined if nothing was.
 */
export async function cleanCaches(
  sandbox: Sandbox,
  { named, warm }: WarmTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!named.profile.hostVolume) return undefined;
  const { output } = await runCommand(sandbox, cleanScript(warm.cacheMaxAgeDays, warm.cacheMaxMiB), {
    timeoutMs: COMMAND_TIMEOUT_MS,
    signal,
  });
  const removed = Number(output.split('\n').at(-1));
  return removed > 0 ? strings.removedCacheFiles(removed) : undefined;
}

/** Prints how many files it removed. BusyBox's `find` has no `-printf`. */
function cleanScript(maxAgeDays: number, maxMiB: number): string {
  return [
    `cd ${HOST_VOLUME_PATH}/.cache 2>/dev/null || { echo 0; exit 0; }`,
    `old=$(find . -type f -atime +${maxAgeDays} -mtime +${maxAgeDays} -print -delete 2>/dev/null | wc -l)`,
    `big=$(find . -type f -exec stat -c '%X %s %n' {} + 2>/dev/null | sort -rn | awk -v max=${maxMiB * 1024 * 1024} '{ sum += $2; if (sum > max) { sub(/^[^ ]+ [^ ]+ /, ""); print } }' | while IFS= read -r file; do rm -f -- "$file" && echo; done | wc -l)`,
    `echo $((old + big))`,
  ].join('\n');
}
