import type { Sandbox } from 'modal';
import { type Clock, systemClock } from '../base/clock.ts';
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
 * Starts a sandbox. Throws `NotScheduledError` if it isn't scheduled within `waitMs` after its creation, and the signal's
 * reason if it's canceled, both once the sandbox has been terminated. Also throws what `start` and `terminate` throw.
 */
export function startWithin(call: StartCall): Promise<Sandbox> {
  const { signal, waitMs, clock = systemClock } = call;
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Sandbox>();
  let sandboxId: string | undefined;
  let givenUp: { readonly reason: unknown } | undefined;
  let stopWaiting = () => {};
  const giveUp = (reason: unknown) => {
    givenUp ??= { reason };
    // Otherwise, it's terminated as soon as its ID is known.
    if (sandboxId !== undefined) call.terminate(sandboxId).then(() => reject(reason), reject);
  };
  const cancel = () => giveUp(signal?.reason);
  const created = (id: string) => {
    sandboxId = id;
    call.onCreated?.(id);
    if (givenUp) giveUp(givenUp.reason);
    else if (waitMs !== undefined)
      stopWaiting = clock.after(waitMs, () =>
        giveUp(new NotScheduledError(`Sandbox ${id} waited too long for its GPU`)),
      );
  };
  signal?.addEventListener('abort', cancel, { once: true });
  onSandboxCreated(created, () => call.start()).then(
    (sandbox) => {
      if (sandboxId === undefined) created(sandbox.sandboxId);
      if (!givenUp) resolve(sandbox);
    },
    (error) => {
      // The call also fails if its sandbox is being terminated.
      if (!givenUp) reject(error);
      else if (sandboxId === undefined) reject(givenUp.reason);
    },
  );
  return promise.finally(() => {
    stopWaiting();
    signal?.removeEventListener('abort', cancel);
  });
}
