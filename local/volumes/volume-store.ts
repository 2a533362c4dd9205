/**
 * The files of volumes. Each volume has a folder with its committed files. Because a mounted volume must not change, a commit
 * to a folder that is mounted goes to a copy of it, which then becomes the volume. The copy consists of hard links, because
 * files are never modified in place.
 */
import { mkdir, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { notFound } from '../grpc/status.ts';
import { runHelper } from '../isolation/helpers.ts';
import type { Place } from '../isolation/jail.ts';
import { removeTree } from '../isolation/remove-tree.ts';
import { newFolderName } from '../state/ids.ts';
import type { Store, VolumeRecord } from '../state/store.ts';

/** A committed version of a volume that doesn't change while it is held. */
export interface HeldVersion {
  readonly volumeId: string;
  readonly folder: string;
}

export class VolumeStore {
  readonly #store: Store;
  readonly #folder: string;
  readonly #incoming: string;
  readonly #held = new Map<string, number>();
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(store: Store, dataFolder: string) {
    this.#store = store;
    this.#folder = join(dataFolder, 'volumes');
    this.#incoming = join(this.#folder, 'incoming');
  }

  /** Returns a volume's record. Throws NOT_FOUND. */
  record(volumeId: string): VolumeRecord {
    const volume = this.#store.state.volumes[volumeId];
    if (!volume) throw notFound(`Volume with ID ${volumeId} not found`);
    return volume;
  }

  /** Returns the folder with the committed files. Throws NOT_FOUND. */
  currentFolder(volumeId: string): string {
    return join(this.#folder, volumeId, this.record(volumeId).current);
  }

  /** Creates the folder of a new volume. Returns its name, for the record. */
  async begin(volumeId: string): Promise<string> {
    const name = newFolderName();
    await mkdir(join(this.#folder, volumeId, name), { recursive: true, mode: 0o755 });
    return name;
  }

  /** Removes files that were being written when an earlier server was killed. */
  async recover(): Promise<void> {
    await removeTree(this.#incoming);
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
  }

  /** Writes a file outside of the volumes, and then moves it into place, so that a kill leaves no partial file in a volume. */
  async put(place: Place, fill: (file: string) => Promise<void>): Promise<void> {
    const file = join(this.#incoming, newFolderName());
    try {
      await fill(file);
      await rename(file, place.path);
    } catch (error) {
      await unlink(file).catch(() => {});
      throw error;
    }
  }

  /** Holds the current version, after any change in progress. Throws NOT_FOUND. */
  hold(volumeId: string): Promise<HeldVersion> {
    return this.#inTurn(volumeId, async () => {
      const folder = this.currentFolder(volumeId);
      this.#held.set(folder, (this.#held.get(folder) ?? 0) + 1);
      return { volumeId, folder };
    });
  }

  async release({ volumeId, folder }: HeldVersion): Promise<void> {
    const left = (this.#held.get(folder) ?? 1) - 1;
    if (left > 0) this.#held.set(folder, left);
    else this.#held.delete(folder);
    await this.#removeUnused(volumeId);
  }

  /**
   * Changes a volume's files, one change at a time. Changes that `apply` makes to the folder take effect when it resolves.
   * Throws NOT_FOUND, and what `apply` throws.
   */
  change<T>(volumeId: string, apply: (folder: string) => Promise<T>): Promise<T> {
    return this.#inTurn(volumeId, () => this.#change(volumeId, apply));
  }

  #inTurn<T>(volumeId: string, step: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(volumeId) ?? Promise.resolve();
    const turn = before.then(step);
    this.#queues.set(
      volumeId,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #change<T>(volumeId: string, apply: (folder: string) => Promise<T>): Promise<T> {
    const folder = this.currentFolder(volumeId);
    if (!this.#held.has(folder)) return apply(folder);
    const name = newFolderName();
    const copy = join(this.#folder, volumeId, name);
    try {
      await runHelper('cp', ['--archive', '--link', folder, copy]);
      const outcome = await apply(copy);
      this.record(volumeId).current = name;
      await this.#store.save();
      return outcome;
    } catch (error) {
      await removeTree(copy);
      throw error;
    }
  }

  /** Removes versions that are neither current nor held, and a deleted volume once nothing holds it. */
  async #removeUnused(volumeId: string): Promise<void> {
    const folder = join(this.#folder, volumeId);
    const current = this.#store.state.volumes[volumeId]?.current;
    const names = await readdir(folder).catch(() => []);
    const unused = names.filter((name) => name !== current && !this.#held.has(join(folder, name)));
    // A change in progress uses a folder that isn't current yet.
    await this.#queues.get(volumeId);
    for (const name of unused) {
      if (name !== this.#store.state.volumes[volumeId]?.current) await removeTree(join(folder, name));
    }
    if (!current && unused.length === names.length) await removeTree(folder);
  }

  async delete(volumeId: string): Promise<void> {
    this.record(volumeId);
    delete this.#store.state.volumes[volumeId];
    await this.#store.save();
    await this.#removeUnused(volumeId);
  }
}
