/** Exit snapshots: sandboxes created with this option are saved as an image when they stop. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import { failedPrecondition } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';
import type { Snapshots } from './snapshots.ts';

const OPTION = 'enable_exit_snapshot';
/** The SDK's default for snapshots. */
const TTL_SECONDS = 30 * 24 * 60 * 60;
/** The reply's error code for a snapshot that failed. */
const INTERNAL_ERROR = 2;

function isEnabled({ definition }: Sandbox): boolean {
  return definition.experimentalOptions[OPTION] === true || definition.experimentalOptionsV2[OPTION] === 'true';
}

/** Takes a snapshot of a sandbox whose processes have stopped, if the sandbox has the option. */
export async function takeExitSnapshot(sandbox: Sandbox, snapshots: Snapshots): Promise<void> {
  const main = sandbox.allContainers()[0];
  if (!main || !isEnabled(sandbox)) return;
  const image = await snapshots.filesystem(main, { ttlSeconds: TTL_SECONDS, key: undefined });
  sandbox.record.exitSnapshotId = image.id;
}

export function exitSnapshotsService(table: SandboxTable) {
  async function get({ sandboxId, timeout }: Request<'sandboxGetExitSnapshotV2'>, { signal }: CallContext) {
    const record = table.record(sandboxId);
    const sandbox = table.get(sandboxId);
    if (sandbox && !isEnabled(sandbox)) {
      throw failedPrecondition(`Sandbox ${sandboxId} was created without ${OPTION}`);
    }
    if (sandbox) await Promise.race([sandbox.ended, pause(timeout * 1000, undefined, { signal })]);
    if (record.exitSnapshotId) return { success: { imageId: record.exitSnapshotId } };
    if (sandbox?.running || sandbox?.stopping) return { pending: {} };
    return { error: { errorCode: INTERNAL_ERROR, message: 'The sandbox has no exit snapshot' } };
  }
  return { sandboxGetExitSnapshot: get, sandboxGetExitSnapshotV2: get } satisfies Partial<ControlPlane>;
}
