/** Exit snapshots: sandboxes created with this option are saved as an image when they stop, in whatever way. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import { invalidArgument } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import type { SandboxRecord } from '../state/store.ts';
import type { Sandbox } from './sandbox.ts';
import { EXIT_SNAPSHOT_OPTION } from './sandbox-definition.ts';
import type { SandboxTable } from './sandbox-table.ts';
import type { Snapshots } from './snapshots.ts';

/** The SDK's default for snapshots. */
const TTL_SECONDS = 30 * 24 * 60 * 60;
/** The reply's error code for files that no longer exist. Polling again doesn't help. */
const FILESYSTEM_INCONSISTENT = 3;

/** Takes a snapshot of a sandbox whose processes have stopped, if the sandbox has the option. */
export async function takeExitSnapshot(sandbox: Sandbox, snapshots: Snapshots): Promise<void> {
  const main = sandbox.allContainers()[0];
  if (!main || !sandbox.record.hasExitSnapshot) return;
  const image = await snapshots.filesystem(main, { ttlSeconds: TTL_SECONDS, key: undefined });
  sandbox.record.exitSnapshotId = image.id;
}

/** Does the same for a sandbox that ended with an earlier server, from its folder. */
export async function rescueExitSnapshot(record: SandboxRecord, folder: string, snapshots: Snapshots): Promise<void> {
  if (!record.hasExitSnapshot || record.exitSnapshotId) return;
  record.exitSnapshotId = (await snapshots.rescued(record, join(folder, 'up'), TTL_SECONDS)).id;
}

export function exitSnapshotsService(table: SandboxTable) {
  async function get({ sandboxId, timeout }: Request<'sandboxGetExitSnapshotV2'>, { signal }: CallContext) {
    const record = table.record(sandboxId);
    if (!record.hasExitSnapshot)
      throw invalidArgument(`Sandbox ${sandboxId} was created without ${EXIT_SNAPSHOT_OPTION}`);
    const sandbox = table.get(sandboxId);
    if (sandbox) await Promise.race([sandbox.ended, pause(timeout * 1000, undefined, { signal })]);
    if (record.exitSnapshotId) return { success: { imageId: record.exitSnapshotId } };
    if (sandbox?.running || sandbox?.stopping) return { pending: {} };
    return { error: { errorCode: FILESYSTEM_INCONSISTENT, message: 'The sandbox has no exit snapshot' } };
  }
  return { sandboxGetExitSnapshot: get, sandboxGetExitSnapshotV2: get } satisfies Partial<ControlPlane>;
}
