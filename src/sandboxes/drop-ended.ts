import type { Sandbox } from 'modal';
import { isSandboxGone } from '../modal/errors.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import type { Sessions } from './sessions.ts';

/** Asks Modal whether a sandbox runs, and drops one that has ended. Without an answer nothing changes. */
export async function dropIfEnded(sessions: Sessions, sandbox: Sandbox): Promise<void> {
  const connection = await sessions.connection().catch(() => undefined);
  if (!connection) return;
  try {
    await requireRunning(connection.client, sandbox.sandboxId, 0);
  } catch (error) {
    if (isSandboxGone(error)) await sessions.drop({ sandbox });
  }
}

/** Drops the sandboxes of this window that are among those which have ended. */
export async function dropAmong(sessions: Sessions, endedIds: ReadonlySet<string>): Promise<void> {
  for (const { sandbox } of await sessions.started.lives())
    if (endedIds.has(sandbox.sandboxId)) await sessions.drop({ sandbox });
}
