import type { Clock } from '../../base/clock.ts';
import type { VolumeEntry, VolumeSummary } from '../../modal/volumes.ts';
import { PolledStore } from '../common/polled-store.ts';
import { sortInSlices } from './sort-in-slices.ts';

/** The number of rows shown for a folder at first, and added by each “Show more”. */
export const PAGE_ROWS = 1_000;
const POLL_INTERVAL_MS = 15_000;

/** The part of a folder that is shown. */
export interface FolderView {
  readonly entries: readonly VolumeEntry[];
  /** The number of entries that aren't shown. */
  readonly more: number;
  readonly error: string | undefined;
}

interface BrowsedFolder {
  readonly volumeId: string;
  readonly store: PolledStore<VolumeEntry[]>;
  isExpanded: boolean;
  shown: number;
}

export interface VolumeBrowserOptions {
  list(volume: VolumeSummary, path: string): Promise<VolumeEntry[]>;
  readonly onChange: () => void;
  readonly clock?: Clock;
}

/** Lists the expanded folders of volumes, and polls each while it is visible. Makes one request at a time. */
export class VolumeBrowser {
  readonly #options: VolumeBrowserOptions;
  readonly #folders = new Map<string, BrowsedFolder>();
  #turn: Promise<unknown> = Promise.resolve();
  #isVisible = true;

  constructor(options: VolumeBrowserOptions) {
    this.#options = options;
  }

  /** Returns a folder's entries, after a first request if there was none yet. */
  async open(volume: VolumeSummary, path: string): Promise<FolderView> {
    const folder = this.#folder(volume, path);
    this.#watch(folder);
    if (!folder.store.value) await folder.store.settled();
    const { value = [], error } = folder.store;
    return { entries: value.slice(0, folder.shown), more: Math.max(0, value.length - folder.shown), error };
  }

  /** Notes that a folder was expanded or collapsed. */
  setExpanded(volume: VolumeSummary, path: string, isExpanded: boolean): void {
    const folder = this.#folder(volume, path);
    folder.isExpanded = isExpanded;
    this.#watch(folder);
  }

  showMore(volume: VolumeSummary, path: string): void {
    this.#folder(volume, path).shown += PAGE_ROWS;
    this.#options.onChange();
  }

  /** Notes that the tree was shown or hidden. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    for (const folder of this.#folders.values()) this.#watch(folder);
  }

  /** Refreshes the expanded folders of one volume, or of all. */
  refresh(volumeId?: string): void {
    for (const folder of this.#folders.values())
      if (volumeId === undefined || folder.volumeId === volumeId) void folder.store.refresh();
  }

  /** Forgets the folders of all other volumes. */
  keep(volumeIds: readonly string[]): void {
    for (const [key, { volumeId, store }] of this.#folders) {
      if (volumeIds.includes(volumeId)) continue;
      store.dispose();
      this.#folders.delete(key);
    }
  }

  #watch({ store, isExpanded }: BrowsedFolder): void {
    store.watch(this.#isVisible && isExpanded);
  }

  #folder(volume: VolumeSummary, path: string): BrowsedFolder {
    const key = `${volume.id}${path}`;
    const known = this.#folders.get(key);
    if (known) return known;
    const { list, onChange, clock } = this.#options;
    const load = () => list(volume, path).then(sorted);
    const store = new PolledStore({
      load: () => this.#inTurn(load),
      pollIntervalMs: POLL_INTERVAL_MS,
      ...(clock && { clock }),
    });
    store.onDidChange(onChange);
    const folder = { volumeId: volume.id, store, isExpanded: true, shown: PAGE_ROWS };
    this.#folders.set(key, folder);
    return folder;
  }

  #inTurn<T>(request: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(request);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function sorted(entries: readonly VolumeEntry[]): Promise<VolumeEntry[]> {
  const rank = ({ type }: VolumeEntry) => (type === 'directory' ? 0 : 1);
  // Here, because the first one takes 10 ms, which an activation shouldn't.
  const byName = new Intl.Collator(undefined, { numeric: true });
  return sortInSlices(entries, (one, other) => rank(one) - rank(other) || byName.compare(one.name, other.name));
}
