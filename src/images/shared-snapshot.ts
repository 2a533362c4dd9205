import { setTimeout as sleep } from 'node:timers/promises';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { DAY_MS } from '../base/clock.ts';
import { findPublished } from '../modal/images.ts';
import { SNAPSHOT_TIMEOUT_MS } from '../modal/snapshots.ts';

/** The lifetime of a shared snapshot on Modal. It is recreated some time before it expires. */
const TTL_MS = 30 * DAY_MS;
const MAX_AGE_MS = 28 * DAY_MS;
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
  /** Starts the sandbox in which it is created, under this name. */
  start(name: string): Promise<Sandbox>;
  /** Does the work, and usually ends with `snapshotOf`. */
  create(sandbox: Sandbox): Promise<Image>;
  /** Called while another window is creating it. */
  onWait(): void;
}

/**
 * Returns a snapshot that is created once per account. It is published as `kind:key`, where the key (at most 64 letters and
 * digits) is derived from everything that goes into it. The sandbox in which it is created has that name too, so that
 * concurrent callers create it once; it is terminated afterwards. Throws what the work throws, and the signal's reason.
 */
export async function sharedSnapshot(
  client: ModalClient,
  app: App,
  { kind, key }: { kind: string; key: string },
  work: SnapshotWork,
): Promise<SharedSnapshot> {
  const name = `${kind}:${key}`;
  let force = work.force ?? false;
  for (;;) {
    work.signal?.throwIfAborted();
    const known = force ? undefined : await find(client, app, name);
    if (known) return known;
    const sandbox = await startOrDiscard(work.start(`${kind}-${key}`), work.signal).catch(unlessTaken);
    if (sandbox) {
      try {
        // Another window may have created it since the last check, and terminated its sandbox.
        const late = force ? undefined : await find(client, app, name);
        if (late) return late;
        const image = await work.create(sandbox);
        await image.publish(name);
        return { imageId: image.imageId, usableUntilMs: Date.now() + MAX_AGE_MS };
      } finally {
        await sandbox.terminate().catch(() => {});
      }
    }
    work.onWait();
    force = false;
    await sleep(POLL_INTERVAL_MS, undefined, { ...(work.signal && { signal: work.signal }) });
  }
}

/** Takes a snapshot that Modal keeps for as long as a shared one is used. */
export function snapshotOf(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<Image> {
  return untilAborted(sandbox.snapshotFilesystem({ ttlMs: TTL_MS, timeoutMs: SNAPSHOT_TIMEOUT_MS }), signal);
}

/** Waits for a sandbox. If the wait is canceled, the sandbox is terminated once it has started. */
export function startOrDiscard(starting: Promise<Sandbox>, signal: AbortSignal | undefined): Promise<Sandbox> {
  return untilAborted(starting, signal, () => void starting.then((late) => late.terminate()).catch(() => {}));
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
