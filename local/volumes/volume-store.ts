/**
 * The files of volumes. What is committed lies in one folder per volume, and a mounted volume must not change under its
 * sandbox: so a commit to a folder that is mounted somewhere goes to a copy of it (of links to the same files, which are
 * never written in place), and the copy becomes the volume.
 */
import { mkdir, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { notFound } from '../grpc/status.ts';
import type { Place } from '../isolation/jail.ts';
import { removeTree } from '../isolation/remove-tree.ts';
import { run } from '../isolation/run.ts';
import { newLayerName } from '../state/ids.ts';
import type { Store, VolumeRecord } from '../state/store.ts';

/** A committed state of a volume that stays as it is while it is held. */
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

  /** @throws NOT_FOUND */
  record(volumeId: string): VolumeRecord {
    const volume = this.#store.state.volumes[volumeId];
    if (!volume) throw notFound(`Volume with ID ${volumeId} not found`);
    return volume;
  }

  /** Folder with the committed files. @throws NOT_FOUND */
  currentFolder(volumeId: string): string {
    return join(this.#folder, volumeId, this.record(volumeId).current);
  }

  /** Makes the folder of a new volume. @returns its name, for the record */
  async begin(volumeId: string): Promise<string> {
    const name = newLayerName();
    await mkdir(join(this.#folder, volumeId, name), { recursive: true, mode: 0o755 });
    return name;
  }

  /** Forgets what was being put when the server was killed. */
  async recover(): Promise<void> {
    await removeTree(this.#incoming);
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
  }

  /** Fills a file outside of the volumes, then moves it to its place: a kill leaves no half of it in a volume. */
  async put(place: Place, fill: (file: string) => Promise<void>): Promise<void> {
    const file = join(this.#incoming, newLayerName());
    try {
      await fill(file);
      await rename(file, place.path);
    } catch (error) {
      await unlink(file).catch(() => {});
      throw error;
    }
  }

  /** The committed state as it is when no change is under way, and stays. @throws NOT_FOUND */
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
    await this.#tidy(volumeId);
  }

  /**
   * Changes a volume's files, one change at a time. What `apply` does to the folder counts once it has settled.
   * @throws what `apply` throws, NOT_FOUND
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
    const name = newLayerName();
    const copy = join(this.#folder, volumeId, name);
    try {
      await run('cp', ['--archive', '--link', folder, copy]);
      const outcome = await apply(copy);
      this.record(volumeId).current = name;
      await this.#store.save();
      return outcome;
    } catch (error) {
      await removeTree(copy);
      throw error;
    }
  }

  /** Removes states that are neither current nor held, and all of a deleted volume once nothing holds it. */
  async #tidy(volumeId: string): Promise<void> {
    const folder = join(this.#folder, volumeId);
    const current = this.#store.state.volumes[volumeId]?.current;
    const names = await readdir(folder).catch(() => []);
    const unused = names.filter((name) => name !== current && !this.#held.has(join(folder, name)));
    // A change under way works in a folder that is not current yet.
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
    await this.#tidy(volumeId);
  }
}
