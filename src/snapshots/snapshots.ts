import { randomUUID } from 'node:crypto';
import type { ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import type { SandboxSummary } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import { deleteImage, hasImage, listPublished, publishSnapshot, unpublishSnapshot } from '../modal/snapshots.ts';
import { type SnapshotRecord, SnapshotRecords } from './records.ts';
import { takeOrDiscard } from './take.ts';

/** A snapshot as people see it. */
export interface Snapshot extends Omit<SnapshotRecord, 'kind'> {
  /** Absent where only the published name is left of it. */
  readonly kind?: SnapshotRecord['kind'];
  /** `deleted`: by other means than ours. */
  readonly state: 'ready' | 'expired' | 'deleted';
}

/** How long Modal keeps a snapshot when nothing is said. https://modal.com/docs/guide/sandbox-snapshots */
export const DEFAULT_TTL_MS = 30 * 24 * 60 * 60_000;
/** Images that one look makes sure of: the others' turn comes with the next ones. */
const CHECKED_AT_A_TIME = 3;

export interface NewSnapshot {
  readonly name: string;
  /** Whole seconds; null: until it is deleted. */
  readonly ttlMs: number | null;
  /** One directory instead of the file system. */
  readonly path?: string;
  /** Calls it off: nothing is left of it. */
  readonly signal?: AbortSignal;
}

/** The snapshots of an account: images, their published names, and records of what they are. */
export class Snapshots {
  readonly #client: () => Promise<ModalClient>;
  readonly #now: () => number;
  readonly #records: SnapshotRecords;
  /** When an image was last seen, or not. */
  readonly #seen = new Map<string, { at: number; isThere: boolean }>();

  constructor(client: () => Promise<ModalClient>, now: () => number = Date.now) {
    this.#client = client;
    this.#now = now;
    this.#records = new SnapshotRecords(client, now);
  }

  /** All of them, the newest first. What has expired or was deleted by other means stays, and says so. */
  async list(): Promise<Snapshot[]> {
    const client = await this.#client();
    const [records, published] = [await this.#records.list(), await listPublished(client)];
    const isPublished = new Set(published.map(({ id }) => id));
    const known = new Set(records.map(({ id }) => id));
    const nameless = published
      .filter(({ id }) => !known.has(id))
      .map(({ id, imageId, createdAt }) => {
        return { id, name: id, imageId, createdAt: createdAt.getTime(), expiresAt: null };
      });
    const all = [...records, ...nameless];
    const isOver = ({ expiresAt }: { expiresAt: number | null }) => expiresAt !== null && expiresAt <= this.#now();
    await this.#check(
      client,
      all.filter((each) => !isOver(each)).map(({ imageId }) => imageId),
    );
    return all
      .map((each): Snapshot => {
        const isGone = !isPublished.has(each.id) || this.#seen.get(each.imageId)?.isThere === false;
        return { ...each, state: isOver(each) ? 'expired' : isGone ? 'deleted' : 'ready' };
      })
      .sort((one, other) => other.createdAt - one.createdAt);
  }

  async #check(client: ModalClient, imageIds: readonly string[]): Promise<void> {
    const lastSeen = (id: string) => this.#seen.get(id)?.at ?? 0;
    const next = [...imageIds].sort((one, other) => lastSeen(one) - lastSeen(other)).slice(0, CHECKED_AT_A_TIME);
    for (const id of next) this.#seen.set(id, { at: this.#now(), isThere: await hasImage(client, id) });
  }

  /**
   * Takes a snapshot of a running sandbox. What fails or is called off leaves nothing behind. Throws the signal's reason and
   * the SDK's errors.
   */
  async create(sandbox: Sandbox, { name, ttlMs, path, signal }: NewSnapshot): Promise<string> {
    const client = await this.#client();
    const tags = await untilAborted(sandbox.getTags(), signal);
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
        parent: tags[Tag.snapshot],
        sizeBytes,
      });
    } catch (error) {
      await unpublishSnapshot(client, id).catch(() => {});
      await deleteImage(client, imageId).catch(() => {});
      throw error;
    }
    return id;
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#records.rename(id, name);
  }

  /**
   * Gives a snapshot another lifetime from now on. Modal fixes an image's at its making: so `start` starts a sandbox from
   * the image (for a directory: a plain one, where it is mounted), another image is made there, and takes the old one's
   * place under the same name and id. Until that stands, the old one does. Throws the signal's reason and the SDK's errors.
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
      await sandbox.terminate().catch(() => {});
    }
  }

  /** Deletes a snapshot for good: its image, its name, its record, in this order, so that what fails can be done again. */
  async delete({ id, imageId }: Pick<Snapshot, 'id' | 'imageId'>): Promise<void> {
    const client = await this.#client();
    await deleteImage(client, imageId);
    await unpublishSnapshot(client, id);
    await this.#records.remove(id);
  }
}

/** What was made from a snapshot, in words: other snapshots and running sandboxes. They stay when it is deleted. */
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

/** Throws `UserError` for a snapshot that cannot be used any more. */
export function requireReady({ name, state }: Snapshot): void {
  if (state === 'ready') return;
  const what = state === 'expired' ? 'has expired' : 'was deleted by other means';
  throw new UserError(`The snapshot “${name}” ${what}: Modal does not have it any more. Delete it from the list.`);
}

/** Bytes of a directory with all in it; undefined where the image has no `du`. */
async function sizeOf(sandbox: Sandbox, path: string): Promise<number | undefined> {
  const process = await sandbox.exec(['du', '-sk', '--', path], { stderr: 'ignore' });
  const [text] = await Promise.all([process.stdout.readText(), process.wait()]);
  const [, kibibytes] = /^(\d+)\s/.exec(text) ?? [];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
