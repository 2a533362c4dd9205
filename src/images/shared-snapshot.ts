import { setTimeout as sleep } from 'node:timers/promises';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { findPublished } from '../modal/images.ts';

const DAY_MS = 86_400_000;
/** How long Modal keeps a shared snapshot; it is made again some time before it goes. */
const KEPT_MS = 30 * DAY_MS;
const REUSED_MS = 28 * DAY_MS;
const SNAPSHOT_MS = 600_000;
/** Between looks at whether another window has made it. */
const POLL_MS = 1000;

/** A snapshot that every window and machine of the account finds. */
export interface SharedSnapshot {
  readonly imageId: string;
  /** `Date.now()` from which on it is made anew. */
  readonly usableUntilMs: number;
}

/** How a snapshot is made. */
export interface SnapshotWork {
  /** Made whether or not there is one. */
  readonly force?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Starts the sandbox that it is made in, under this name. */
  start(name: string): Promise<Sandbox>;
  /** Does the work; usually ends with `snapshotOf`. */
  make(sandbox: Sandbox): Promise<Image>;
  /** Another window is at it, and is waited for. */
  onWait(): void;
}

/**
 * A snapshot that is made once. Published as `kind:key`, where the key (at most 64 letters and digits) is made of
 * everything that goes in; the sandbox that it is made in is named after it too, so that two who begin at once do it once.
 * That sandbox is ended. Throws what the work throws, and the signal's reason.
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
        // Another one may have made it since the last look, and have ended its sandbox.
        const late = force ? undefined : await find(client, app, name);
        if (late) return late;
        const made = await work.make(sandbox);
        await made.publish(name);
        return { imageId: made.imageId, usableUntilMs: Date.now() + REUSED_MS };
      } finally {
        await sandbox.terminate().catch(() => {});
      }
    }
    work.onWait();
    force = false;
    await sleep(POLL_MS, undefined, { ...(work.signal && { signal: work.signal }) });
  }
}

/** A snapshot that Modal keeps as long as a shared one is used. */
export function snapshotOf(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<Image> {
  return untilAborted(sandbox.snapshotFilesystem({ ttlMs: KEPT_MS, timeoutMs: SNAPSHOT_MS }), signal);
}

/** Waits for a sandbox; one that comes after the wait was given up is ended. */
export function startOrDiscard(starting: Promise<Sandbox>, signal: AbortSignal | undefined): Promise<Sandbox> {
  return untilAborted(starting, signal, () => void starting.then((late) => late.terminate()).catch(() => {}));
}

async function find(client: ModalClient, app: App, name: string): Promise<SharedSnapshot | undefined> {
  const known = await findPublished(client, app, name);
  if (!known) return undefined;
  const usableUntilMs = known.publishedAtMs + REUSED_MS;
  return Date.now() < usableUntilMs ? { imageId: known.imageId, usableUntilMs } : undefined;
}

function unlessTaken(error: unknown): undefined {
  if (error instanceof Error && error.name === 'AlreadyExistsError') return undefined;
  throw error;
}
