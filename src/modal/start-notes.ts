import type { App, Image, ModalClient, Sandbox, SandboxCreateParams } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { logError } from '../base/log.ts';
import { isNotFound, isRefusedStart } from './errors.ts';
import { onSandboxCreated } from './sandbox-calls.ts';
import { strings } from './strings.ts';

/** The tag by which a sandbox is found whose ID isn't known. */
export const START_TAG = 'vscode-start';

/** Keeps notes of sandboxes until they are known to have ended. */
export interface EndNotes {
  /** Notes that a sandbox must end, whatever happens to this process. */
  mustEnd(sandboxId: string): Promise<void>;
  didEnd(sandboxId: string): Promise<void>;
  couldNotEnd(sandboxId: string, error: unknown): Promise<void>;
}

/** Keeps notes of sandboxes from before they are asked for. */
export interface StartNotes extends EndNotes {
  /** Notes a start. Resolves with its ID, by which the sandbox is found (`START_TAG`) if the answer gets lost. */
  willStart(app: App, params: SandboxCreateParams, options: StartOptions): Promise<string>;
  /** Notes that Modal has created the sandbox, which may still wait for its GPU. */
  didCreate(startId: string, sandboxId: string): void;
  /** Resolves with false if the sandbox must end, because all were stopped or its start was canceled in the meantime. */
  didStart(startId: string, sandboxId: string): Promise<boolean>;
  /** Notes that a start failed. Unless Modal refused it, there may be a sandbox anyway. */
  didFail(startId: string, isRefused: boolean): Promise<void>;
  /** Ends what should have ended, as far as possible now. */
  endDue(): Promise<void>;
}

export interface StartOptions {
  /** Only the work of this process needs it, so it must end with the window. */
  readonly isTemporary?: boolean;
}

/** The maximum time to wait for Modal to end a sandbox. */
const END_TIMEOUT_MS = 15_000;

const NOTES = new WeakMap<ModalClient, StartNotes>();

/** Starts and ends in progress. */
const PENDING = new WeakMap<ModalClient, Set<Promise<unknown>>>();

/** Takes notes of what a client starts and ends from now on. */
export function takeNotes(client: ModalClient, notes: StartNotes): void {
  NOTES.set(client, notes);
}

/** Starts a sandbox, and takes notes of it. Nothing else calls the SDK's `create`. Throws the SDK's errors. */
export function startNoted(
  client: ModalClient,
  app: App,
  image: Image,
  params: SandboxCreateParams,
  options: StartOptions = {},
): Promise<Sandbox> {
  const notes = NOTES.get(client);
  const create = (all: SandboxCreateParams) => client.sandboxes.create(app, image, all);
  if (!notes) return pending(client, create(params));
  const starting = async () => {
    const startId = await notes.willStart(app, params, options);
    const tags = { ...params.tags, [START_TAG]: startId };
    try {
      const sandbox = await onSandboxCreated(
        (sandboxId) => notes.didCreate(startId, sandboxId),
        () => create({ ...params, tags }),
      );
      if (await notes.didStart(startId, sandbox.sandboxId)) return sandbox;
      await endSandbox(client, sandbox);
    } catch (error) {
      await notes.didFail(startId, isRefusedStart(error));
      throw error;
    }
    throw new UserError(strings.stoppedAtStart());
  };
  return pending(client, starting());
}

/** Ends what should have ended in a client's account, as far as possible now. */
export async function endDue(client: ModalClient): Promise<void> {
  await NOTES.get(client)?.endDue();
}

/** Waits for the starts and ends in progress, including those whose callers have stopped waiting. */
export async function settled(client: ModalClient): Promise<void> {
  for (let work = PENDING.get(client); work && work.size > 0; ) await Promise.allSettled(work);
}

/**
 * Ends a sandbox that is no longer used. Never throws: if Modal doesn't confirm the end in time, it's noted and tried
 * again later. Resolves with whether it has ended.
 */
export async function endSandbox(client: ModalClient, sandbox: Sandbox): Promise<boolean> {
  return endNoted(NOTES.get(client), sandbox, client);
}

/** Ends a sandbox as `endSandbox` does, whichever client it is of. */
export async function endNoted(notes: EndNotes | undefined, sandbox: Sandbox, client?: ModalClient): Promise<boolean> {
  const ending = endOrThrow(notes, sandbox);
  return (client ? pending(client, ending) : ending).then(
    () => true,
    (error) => {
      logError(error);
      return false;
    },
  );
}

/** Ends a sandbox as `endSandbox` does, and throws if it may still be running. */
export function terminateNoted(client: ModalClient, sandbox: Sandbox): Promise<void> {
  return pending(client, endOrThrow(NOTES.get(client), sandbox));
}

async function endOrThrow(notes: EndNotes | undefined, sandbox: Sandbox): Promise<void> {
  const { sandboxId } = sandbox;
  await notes?.mustEnd(sandboxId);
  const ending = sandbox.terminate().catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  const timeout = AbortSignal.timeout(END_TIMEOUT_MS);
  try {
    await untilAborted(ending, timeout);
    await notes?.didEnd(sandboxId);
  } catch (error) {
    const failure = timeout.aborted ? new UserError(strings.endTimedOut(END_TIMEOUT_MS / 1000)) : error;
    await notes?.couldNotEnd(sandboxId, failure);
    // It may only be late.
    if (timeout.aborted) ending.then(() => notes?.didEnd(sandboxId)).catch(logError);
    throw failure;
  }
}

function pending<T>(client: ModalClient, work: Promise<T>): Promise<T> {
  const all = PENDING.get(client) ?? new Set();
  PENDING.set(client, all.add(work));
  work.finally(() => all.delete(work)).catch(() => {});
  return work;
}
