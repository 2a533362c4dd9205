import { randomUUID } from 'node:crypto';
import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import type { SandboxSummary } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import { deleteImage, hasImage, listPublished, publishSnapshot, unpublishSnapshot } from '../modal/snapshots.ts';
import { endSandbox } from '../modal/start-notes.ts';
import { type SnapshotRecord, SnapshotRecords } from './records.ts';
import { strings } from './strings.ts';
import { takeOrDiscard } from './take.ts';

/** A snapshot and its state. */
export interface Snapshot extends Omit<SnapshotRecord, 'kind'> {
  /** Absent if only its published name is known. */
  readonly kind?: SnapshotRecord['kind'];
  /** `deleted` means that it was deleted elsewhere. */
  readonly state: 'ready' | 'expired' | 'deleted';
}

/** Modal's default lifetime of a snapshot. https://modal.com/docs/guide/sandbox-snapshots */
export const DEFAULT_TTL_MS = 30 * DAY_MS;
/** The number of images that a refresh verifies. The others follow with later refreshes. */
const CHECKS_PER_REFRESH = 3;
/** Measuring a large directory takes a while, in which the sandbox is quiet. */
const SIZE_LIMITS: AnswerLimits = { maxBytes: 10_000, timeoutMs: MINUTE_MS, quietMs: MINUTE_MS };

export interface NewSnapshot {
  readonly name: string;
  /** Whole seconds, in milliseconds; null means until it is deleted. */
  readonly ttlMs: number | null;
  /** A directory to save instead of the whole file system. */
  readonly path?: string;
  /** Makes it a save point of the sandbox. */
  readonly savePoint?: 'manual' | 'automatic';
  /** Cancels it, which leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/** The snapshots of an account: images, their published names, and records of what they are. */
export class Snapshots {
  readonly #client: () => Promise<ModalClient>;
  readonly #now: () => number;
  readonly #records: SnapshotRecords;
  /** The time and result of an image's last verification. */
  readonly #verified = new Map<string, { at: number; exists: boolean }>();

  constructor(client: () => Promise<ModalClient>, now: () => number = Date.now) {
    this.#client = client;
    this.#now = now;
    this.#records = new SnapshotRecords(client, now);
  }

  /** Returns all snapshots, newest first, including those that have expired or were deleted elsewhere. */
  async list(): Promise<Snapshot[]> {
    const client = await this.#client();
    const [records, published] = [await this.#records.list(), await listPublished(client)];
    const publishedIds = new Set(published.map(({ id }) => id));
    const known = new Set(records.map(({ id }) => id));
    const unrecorded = published
      .filter(({ id }) => !known.has(id))
      .map(({ id, imageId, createdAt }) => {
        return { id, name: id, imageId, createdAt: createdAt.getTime(), expiresAt: null };
      });
    const all = [...records, ...unrecorded];
    const isExpired = ({ expiresAt }: { expiresAt: number | null }) => expiresAt !== null && expiresAt <= this.#now();
    await this.#check(
      client,
      all.filter((each) => !isExpired(each)).map(({ imageId }) => imageId),
    );
    return all
      .map((each): Snapshot => {
        const isGone = !publishedIds.has(each.id) || this.#verified.get(each.imageId)?.exists === false;
        return { ...each, state: isExpired(each) ? 'expired' : isGone ? 'deleted' : 'ready' };
      })
      .sort((one, other) => other.createdAt - one.createdAt);
  }

  async #check(client: ModalClient, imageIds: readonly string[]): Promise<void> {
    const lastVerified = (id: string) => this.#verified.get(id)?.at ?? 0;
    const next = [...imageIds]
      .sort((one, other) => lastVerified(one) - lastVerified(other))
      .slice(0, CHECKS_PER_REFRESH);
    for (const id of next) this.#verified.set(id, { at: this.#now(), exists: await hasImage(client, id) });
  }

  /**
   * Takes a snapshot of a running sandbox. Resolves with its ID. If it fails or is canceled, nothing is left behind. Throws
   * the signal's reason and the SDK's errors.
   */
  async create(sandbox: Sandbox, { name, ttlMs, path, savePoint, signal }: NewSnapshot): Promise<string> {
    const client = await this.#client();
    const tags = await untilAborted(sandbox.getTags(), signal);
    const before = savePoint && (await untilAborted(this.#lastPointOf(sandbox.sandboxId), signal));
    const sizeBytes = path === undefined ? undefined : await untilAborted(sizeOf(sandbox, path), signal);
    const id = randomUUID();
    const imageId = await takeOrDiscard(client, sandbox, { path, ttlMs, signal });
    const createdAt = this.#now();
    try {
      await publishSnapshot(client, id, imageId);
      signal?.throwIfAborted();
      await this.#records.add(id, {
        kind: path === undefined ? 'filesystem' : 'directory',
        path,
        name,
        createdAt,
        imageId,
        expiresAt: ttlMs === null ? null : createdAt + ttlMs,
        folderKey: tags[Tag.folder],
        folderName: tags[Tag.folderName],
        profile: tags[Tag.profile],
        parent: before ?? tags[Tag.snapshot],
        sizeBytes,
        ...(savePoint && { savePoint, sandboxId: sandbox.sandboxId }),
      });
    } catch (error) {
      await unpublishSnapshot(client, id).catch(() => {});
      await deleteImage(client, imageId).catch(() => {});
      throw error;
    }
    return id;
  }

  /** Returns the ID of the latest save point of a sandbox. */
  async #lastPointOf(sandboxId: string): Promise<string | undefined> {
    const records = await this.#records.list();
    return records.findLast((each) => each.savePoint !== undefined && each.sandboxId === sandboxId)?.id;
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#records.rename(id, name);
  }

  /**
   * Changes a snapshot's lifetime, counted from now. Modal can't change an image's lifetime, so `start` starts a sandbox from
   * the image (for a directory snapshot, any sandbox in which it is mounted), and an image of it replaces the old one under
   * the same name and ID. Until then, the old one is kept. Throws the signal's reason and the SDK's errors.
   */
  async changeLifetime(
    snapshot: Snapshot,
    ttlMs: number | null,
    start: (snapshot: Snapshot) => Promise<Sandbox>,
    signal?: AbortSignal,
  ): Promise<void> {
    const client = await this.#client();
    const sandbox = await start(snapshot);
    try {
      const imageId = await takeOrDiscard(client, sandbox, { path: snapshot.path, ttlMs, signal });
      try {
        await publishSnapshot(client, snapshot.id, imageId);
        await this.#records.setImage(snapshot.id, imageId, ttlMs === null ? null : this.#now() + ttlMs);
      } catch (error) {
        await publishSnapshot(client, snapshot.id, snapshot.imageId).catch(() => {});
        await deleteImage(client, imageId).catch(() => {});
        throw error;
      }
      await deleteImage(client, snapshot.imageId);
    } finally {
      await endSandbox(client, sandbox);
    }
  }

  /**
   * Deletes a snapshot permanently: image, name, and record, in this order, so that a failed deletion can be repeated.
   */
  async delete({ id, imageId }: Pick<Snapshot, 'id' | 'imageId'>): Promise<void> {
    const client = await this.#client();
    await deleteImage(client, imageId);
    await unpublishSnapshot(client, id);
    await this.#records.remove(id);
  }
}

/** Returns the snapshots and running sandboxes that were created from a snapshot. Deleting it doesn't affect them. */
export function dependentsOf(
  { id, imageId }: Pick<Snapshot, 'id' | 'imageId'>,
  snapshots: readonly Snapshot[],
  sandboxes: readonly Pick<SandboxSummary, 'id' | 'state' | 'imageId' | 'tags'>[],
): { readonly snapshots: readonly Snapshot[]; readonly sandboxIds: readonly string[] } {
  return {
    snapshots: snapshots.filter(({ parent }) => parent === id),
    sandboxIds: sandboxes
      .filter(({ state }) => state !== 'ended')
      .filter((sandbox) => sandbox.imageId === imageId || sandbox.tags[Tag.snapshot] === id)
      .map((sandbox) => sandbox.id),
  };
}

/** Throws `UserError` for a snapshot that can no longer be used. */
export function requireReady({ name, state }: Snapshot): void {
  if (state === 'ready') return;
  throw new UserError(state === 'expired' ? strings.expired(name) : strings.deletedElsewhere(name));
}

/** Returns the size of a directory in bytes, including its contents; undefined if the image has no `du`, or a slow one. */
async function sizeOf(sandbox: Sandbox, path: string): Promise<number | undefined> {
  const output = await execWith(sandbox, ['du', '-sk', '--', path], SIZE_LIMITS).catch(() => '');
  const [, kibibytes] = /^(\d+)\s/.exec(String(output)) ?? [];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
