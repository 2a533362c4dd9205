import type { Sandbox } from 'modal';
import { DAY_MS } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import { pointsToDelete } from '../snapshots/save-points.ts';
import { DEFAULT_TTL_MS, requireReady, type Snapshot, type Snapshots } from '../snapshots/snapshots.ts';
import type { Folder } from './folder.ts';
import type { Sessions } from './sessions.ts';
import { strings } from './strings.ts';

/** The lifetime of save points that weren't asked for, and how many of them are kept for a folder and profile. */
const AUTOMATIC_TTL_MS = 7 * DAY_MS;
const MAX_AUTOMATIC = 10;

export interface SavePointDependencies {
  readonly sessions: Pick<Sessions, 'restore' | 'sandboxOf'>;
  readonly snapshots: Snapshots;
  /** Returns whether save points are taken without being asked for. */
  isAutomatic(): boolean;
}

/** Save points of folders' sandboxes: snapshots to go back to. */
export class SavePoints {
  readonly #dependencies: SavePointDependencies;

  constructor(dependencies: SavePointDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes a save point that the user asked for. Throws the signal's reason and the SDK's errors. */
  async save(sandbox: Sandbox, name: string, signal?: AbortSignal): Promise<void> {
    await this.#dependencies.snapshots.create(sandbox, {
      name,
      ttlMs: DEFAULT_TTL_MS,
      savePoint: 'manual',
      ...(signal && { signal }),
    });
  }

  /** Takes a save point before files may be lost, and deletes the oldest of those if there are many. Never throws. */
  async saveBefore(sandbox: Sandbox, name = strings.beforeSync()): Promise<void> {
    const { snapshots, isAutomatic } = this.#dependencies;
    if (!isAutomatic()) return;
    try {
      const id = await snapshots.create(sandbox, { name, ttlMs: AUTOMATIC_TTL_MS, savePoint: 'automatic' });
      void this.#trim(id).catch(logError);
    } catch (error) {
      logError(error);
    }
  }

  /**
   * Replaces the folder's sandbox with one that has the files of a save point. What it had before becomes an automatic save
   * point. Throws `UserError` if the save point is gone, the signal's reason, and the SDK's errors.
   */
  async restore(folder: Folder, profile: string, point: Snapshot, signal?: AbortSignal): Promise<void> {
    const { sessions } = this.#dependencies;
    requireReady(point);
    const current = await sessions.sandboxOf(folder, profile);
    if (current) await this.saveBefore(current, strings.beforeRestoring(point.name));
    signal?.throwIfAborted();
    await sessions.restore(folder, profile, { imageId: point.imageId, id: point.id }, signal);
  }

  async #trim(id: string): Promise<void> {
    const { snapshots } = this.#dependencies;
    const all = await snapshots.list();
    const own = all.find((each) => each.id === id);
    const automatic = all.filter(
      ({ savePoint, folderKey, profile }) =>
        savePoint === 'automatic' && folderKey === own?.folderKey && profile === own?.profile,
    );
    const gone = automatic.filter(({ state }) => state !== 'ready');
    const kept = automatic.filter(({ state }) => state === 'ready');
    for (const each of [...gone, ...pointsToDelete(kept, { keep: MAX_AUTOMATIC })]) await snapshots.delete(each);
  }
}
