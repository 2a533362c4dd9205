import { setTimeout as sleep } from 'node:timers/promises';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import { findPublished } from '../modal/images.ts';
import { SNAPSHOT_TIMEOUT_MS } from '../modal/snapshots.ts';
import { endDue, endSandbox } from '../modal/start-notes.ts';

/** The lifetime of a shared snapshot on Modal. It is recreated some time before it expires. */
const TTL_MS = 30 * DAY_MS;
const MAX_AGE_MS = 28 * DAY_MS;
/** After this time, the work is done here too: its sandbox may be one that can't be ended. */
const MAX_WAIT_MS = 30 * MINUTE_MS;
/** The interval at which to check whether another window has created it. */
const POLL_INTERVAL_MS = 1000;

/** A snapshot that every window and computer of the account finds. */
export interface SharedSnapshot {
  readonly imageId: string;
  /** `Date.now()` from which it must be recreated. */
  readonly usableUntilMs: number;
}

/** The work that creates a snapshot. */
export interface SnapshotWork {
  /** Create it even if it exists. */
  readonly force?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The maximum time to wait for another window that is creating it. */
  readonly maxWaitMs?: number;
  /** Starts the sandbox in which it is created, under this name if there is one. */
  start(name: string | undefined): Promise<Sandbox>;
  /** Does the work, and usually ends with `snapshotOf`. */
  create(sandbox: Sandbox): Promise<Image>;
  /** Called while another window is creating it. */
  onWait(): void;
}

/**
 * Returns a snapshot that is created once per account. It is published as `kind:key`, where the key (at most 64 letters and
 * digits) is derived from everything that goes into it. The sandbox in which it is created has that name too, so that
 * concurrent callers create it once; it is ended afterwards. Throws what the work throws, and the signal's reason.
 */
export async function sharedSnapshot(
  client: ModalClient,
  app: App,
  { kind, key }: { kind: string; key: string },
  work: SnapshotWork,
): Promise<SharedSnapshot> {
  const name = `${kind}:${key}`;
  const waitUntil = performance.now() + (work.maxWaitMs ?? MAX_WAIT_MS);
  let force = work.force ?? false;
  for (;;) {
    work.signal?.throwIfAborted();
    const known = force ? undefined : await find(client, app, name);
    if (known) return known;
    const sandboxName = performance.now() < waitUntil ? `${kind}-${key}` : undefined;
    const sandbox = await startOrDiscard(client, work.start(sandboxName), work.signal).catch(unlessTaken);
    if (sandbox) {
      try {
        // Another window may have created it since the last check, and terminated its sandbox.
        const late = force ? undefined : await find(client, app, name);
        if (late) return late;
        const image = await work.create(sandbox);
        await image.publish(name);
        return { imageId: image.imageId, usableUntilMs: Date.now() + MAX_AGE_MS };
      } finally {
        await endSandbox(client, sandbox);
      }
    }
    work.onWait();
    force = false;
    // It may be a sandbox of this computer that couldn't be ended.
    await untilAborted(endDue(client), work.signal);
    await sleep(POLL_INTERVAL_MS, undefined, { ...(work.signal && { signal: work.signal }) });
  }
}

/** Takes a snapshot that Modal keeps for as long as a shared one is used. */
export function snapshotOf(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<Image> {
  return untilAborted(sandbox.snapshotFilesystem({ ttlMs: TTL_MS, timeoutMs: SNAPSHOT_TIMEOUT_MS }), signal);
}

/** Waits for a sandbox. If the wait is canceled, the sandbox is terminated once it has started. */
export function startOrDiscard(
  client: ModalClient,
  starting: Promise<Sandbox>,
  signal: AbortSignal | undefined,
): Promise<Sandbox> {
  return untilAborted(starting, signal, () => void starting.then((late) => endSandbox(client, late)).catch(logError));
}

async function find(client: ModalClient, app: App, name: string): Promise<SharedSnapshot | undefined> {
  const known = await findPublished(client, app, name);
  if (!known) return undefined;
  const usableUntilMs = known.publishedAtMs + MAX_AGE_MS;
  return Date.now() < usableUntilMs ? { imageId: known.imageId, usableUntilMs } : undefined;
}

function unlessTaken(error: unknown): undefined {
  if (error instanceof Error && error.name === 'AlreadyExistsError') return undefined;
  throw error;
}
