/** Exit snapshots: a sandbox created with the option leaves its root behind as an image. */
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import { failedPrecondition } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';
import type { Snapshots } from './snapshots.ts';

const OPTION = 'enable_exit_snapshot';
/** As for any snapshot that no lifetime was named for. */
const TTL_SECONDS = 30 * 24 * 60 * 60;
/** The answer's code for a root that could not be kept. */
const INTERNAL_ERROR = 2;

function wanted({ definition }: Sandbox): boolean {
  return definition.experimentalOptions[OPTION] === true || definition.experimentalOptionsV2[OPTION] === 'true';
}

/** Takes the snapshot, when one was asked for, of a sandbox whose processes have stopped. */
export async function takeExitSnapshot(sandbox: Sandbox, snapshots: Snapshots): Promise<void> {
  const main = sandbox.allContainers()[0];
  if (!main || !wanted(sandbox)) return;
  const image = await snapshots.filesystem(main, { ttlSeconds: TTL_SECONDS, key: undefined });
  sandbox.record.exitSnapshotId = image.id;
}

export function exitSnapshotsService(table: SandboxTable) {
  async function get({ sandboxId, timeout }: Request<'sandboxGetExitSnapshotV2'>, { signal }: CallContext) {
    const record = table.record(sandboxId);
    const sandbox = table.get(sandboxId);
    if (sandbox && !wanted(sandbox)) {
      throw failedPrecondition(`Sandbox ${sandboxId} was created without ${OPTION}`);
    }
    if (sandbox) await Promise.race([sandbox.ended, pause(timeout * 1000, undefined, { signal })]);
    if (record.exitSnapshotId) return { success: { imageId: record.exitSnapshotId } };
    if (sandbox?.running || sandbox?.ending) return { pending: {} };
    return { error: { errorCode: INTERNAL_ERROR, message: 'The sandbox left no snapshot' } };
  }
  return { sandboxGetExitSnapshot: get, sandboxGetExitSnapshotV2: get } satisfies Partial<ControlPlane>;
}
