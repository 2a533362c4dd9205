import type { Sandbox } from 'modal';
import { isSandboxGone, SandboxEndedError } from '../modal/errors.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import type { Sessions } from './sessions.ts';

/** Asks Modal whether a sandbox is running, and drops it if it has ended. If Modal can't be asked, nothing changes. */
export async function dropIfEnded(sessions: Sessions, sandbox: Sandbox): Promise<void> {
  const connection = await sessions.connection().catch(() => undefined);
  if (!connection) return;
  try {
    await requireRunning(connection.client, sandbox.sandboxId, 0);
  } catch (error) {
    const cause = error instanceof SandboxEndedError ? error.end : 'found';
    if (isSandboxGone(error)) await sessions.drop({ sandbox }, cause);
  }
}

/** Drops the sandboxes of this window that are in a list of ended ones. */
export async function dropAmong(sessions: Sessions, endedIds: ReadonlySet<string>): Promise<void> {
  for (const { sandbox } of await sessions.lifetimes())
    if (endedIds.has(sandbox.sandboxId)) await sessions.drop({ sandbox });
}
