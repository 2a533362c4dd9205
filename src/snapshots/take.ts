import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { logError } from '../base/log.ts';
import { deleteImage, takeSnapshot } from '../modal/snapshots.ts';

export interface SnapshotRequest {
  /** A directory to save instead of the whole file system. */
  readonly path?: string | undefined;
  /** Whole seconds, in milliseconds; null means until it is deleted. */
  readonly ttlMs: number | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes an image of a sandbox's files, and resolves with its ID. Modal can't cancel it: if the wait is canceled, the image is
 * deleted once it exists. Throws the signal's reason and the SDK's errors.
 */
export async function takeOrDiscard(
  client: ModalClient,
  sandbox: Sandbox,
  { signal, ...options }: SnapshotRequest,
): Promise<string> {
  signal?.throwIfAborted();
  const taking = takeSnapshot(sandbox, options);
  return untilAborted(taking, signal, () => void taking.then((late) => deleteImage(client, late)).catch(logError));
}
