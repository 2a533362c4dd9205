import type { Sandbox } from 'modal';
import { type Clock, systemClock } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import { onSandboxCreated } from './sandbox-calls.ts';

/** Follows the start of a sandbox, and can cancel it. */
export interface StartWatch {
  /** Cancels the start. The sandbox is terminated, even while it waits for its GPU. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with its ID as soon as Modal has created a sandbox, which may then wait for its GPU for minutes. Called again if
   * that GPU isn't available and the next one in the list is tried; the previous sandbox has been terminated by then.
   */
  readonly onCreated?: ((sandboxId: string) => unknown) | undefined;
  readonly clock?: Clock | undefined;
}

/** A single call that starts a sandbox. */
export interface StartCall extends StartWatch {
  /** Calls the SDK. */
  start(): Promise<Sandbox>;
  terminate(sandboxId: string): Promise<void>;
  /** The time that the sandbox may wait for its GPU. Defaults to no limit of ours. */
  readonly waitMs?: number | undefined;
}

/** The sandbox's GPU didn't become available in time, and the sandbox was terminated. */
export class NotScheduledError extends Error {
  override name = 'NotScheduledError';
}

/**
 * Starts a sandbox. Throws `NotScheduledError` if it isn't scheduled within `waitMs` after its creation. Throws the signal's
 * reason as soon as it's aborted, and terminates the sandbox as soon as its ID is known. Also throws what `start` and
 * `terminate` throw.
 */
export function startWithin(call: StartCall): Promise<Sandbox> {
  const { signal, waitMs, clock = systemClock } = call;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Sandbox>();
  let sandboxId: string | undefined;
  let isDiscarded = false;
  let stopWaiting = () => {};
  const discard = async () => {
    isDiscarded = true;
    if (sandboxId !== undefined) await call.terminate(sandboxId);
  };
  const cancel = () => {
    reject(signal?.reason);
    discard().catch(logError);
  };
  const created = (id: string) => {
    sandboxId = id;
    call.onCreated?.(id);
    if (isDiscarded) discard().catch(logError);
    else if (waitMs !== undefined)
      stopWaiting = clock.after(waitMs, () => {
        discard().then(() => reject(new NotScheduledError(`Sandbox ${id} waited too long for its GPU`)), reject);
      });
  };
  signal?.addEventListener('abort', cancel, { once: true });
  onSandboxCreated(created, () => call.start()).then(
    (sandbox) => {
      if (sandboxId === undefined) created(sandbox.sandboxId);
      if (!isDiscarded) resolve(sandbox);
    },
    (error) => {
      // The call fails if its sandbox is terminated.
      if (!isDiscarded) reject(error);
    },
  );
  return promise.finally(() => {
    stopWaiting();
    signal?.removeEventListener('abort', cancel);
  });
}
