import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { logError } from '../base/log.ts';
import { deleteImage, takeSnapshot } from '../modal/snapshots.ts';

export interface SnapshotRequest {
  /** One directory instead of the file system. */
  readonly path?: string | undefined;
  /** Whole seconds; null: until it is deleted. */
  readonly ttlMs: number | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The image of a sandbox's files. Modal cannot be asked to stop what it has begun: an image that is there after the wait
 * was given up is deleted. Throws the signal's reason and the SDK's errors.
 */
export async function takeOrDiscard(
  client: ModalClient,
  sandbox: Sandbox,
  { signal, ...what }: SnapshotRequest,
): Promise<string> {
  signal?.throwIfAborted();
  const taking = takeSnapshot(sandbox, what);
  return untilAborted(taking, signal, () => void taking.then((late) => deleteImage(client, late)).catch(logError));
}
