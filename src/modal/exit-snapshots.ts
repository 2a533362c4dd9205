import type { Image, ModalClient } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { Code, shapeOf } from './error-shape.ts';
import { isNotFound } from './errors.ts';

/** The experimental option of sandboxes whose file system is saved when they end, in whatever way (SDK 0.11.1). */
export const EXIT_SNAPSHOT_OPTION = { enable_exit_snapshot: true } as const;

/** The file system of a sandbox when it ended. */
export type ExitSnapshot =
  | { readonly kind: 'saved'; readonly image: Image }
  /** The sandbox is running or being saved. */
  | { readonly kind: 'pending' }
  /** It couldn't be saved, or nothing is known about the sandbox. */
  | { readonly kind: 'lost' }
  /** The sandbox or the account has no exit snapshots. */
  | { readonly kind: 'unsupported' };

/**
 * Returns what was saved when a sandbox ended, after waiting for it for up to `waitMs`. Throws the signal's reason, and the
 * SDK's errors if Modal doesn't respond.
 */
export async function exitSnapshotOf(
  client: ModalClient,
  sandboxId: string,
  { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<ExitSnapshot> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  // A later SDK may give it another name.
  if (typeof sandbox.experimentalGetExitSnapshot !== 'function') return { kind: 'unsupported' };
  try {
    const image = await untilAborted(sandbox.experimentalGetExitSnapshot({ timeoutMs: waitMs }), signal);
    return { kind: 'saved', image };
  } catch (error) {
    if (signal?.aborted) throw error;
    const kind = kindOf(error);
    if (kind) return { kind };
    throw error;
  }
}

function kindOf(error: unknown): 'pending' | 'lost' | 'unsupported' | undefined {
  const { name, code } = shapeOf(error);
  if (name === 'TimeoutError') return 'pending';
  if (name === 'InvalidError' || code === Code.unimplemented || code === Code.precondition) return 'unsupported';
  // The SDK's error for results that will never be an image.
  if (name === 'SnapshotCreationError' || name === 'ExecutionError' || isNotFound(error)) return 'lost';
  return undefined;
}

/** True when Modal refused to start a sandbox because of the option. */
export function isOptionRefused(error: unknown): boolean {
  return /exit.?snapshot|experimental.?option/i.test(shapeOf(error).message);
}
