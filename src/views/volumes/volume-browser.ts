import type { Clock } from '../../base/clock.ts';
import type { VolumeEntry, VolumeSummary } from '../../modal/volumes.ts';
import { PolledStore } from '../common/polled-store.ts';
import { sortInSlices } from './sort-in-slices.ts';

/** Rows that are shown of a folder before one asks for more. */
export const PAGE_ROWS = 1_000;
const POLL_MS = 15_000;

/** A folder of a volume, as far as it is shown. */
export interface FolderView {
  readonly entries: readonly VolumeEntry[];
  /** Entries that are not shown. */
  readonly more: number;
  readonly error: string | undefined;
}

interface Unfolded {
  readonly volumeId: string;
  readonly store: PolledStore<VolumeEntry[]>;
  isUnfolded: boolean;
  shown: number;
}

export interface VolumeBrowserOptions {
  list(volume: VolumeSummary, path: string): Promise<VolumeEntry[]>;
  readonly onChange: () => void;
  readonly clock?: Clock;
}

const byName = new Intl.Collator(undefined, { numeric: true });

/** The folders of volumes that are unfolded: each is looked at while it is, one at a time. */
export class VolumeBrowser {
  readonly #options: VolumeBrowserOptions;
  readonly #folders = new Map<string, Unfolded>();
  #turn: Promise<unknown> = Promise.resolve();
  #isVisible = true;

  constructor(options: VolumeBrowserOptions) {
    this.#options = options;
  }

  /** What is in a folder; looks when nobody has yet. */
  async open(volume: VolumeSummary, path: string): Promise<FolderView> {
    const folder = this.#folder(volume, path);
    this.#watch(folder);
    if (!folder.store.value) await folder.store.settled();
    const { value = [], error } = folder.store;
    return { entries: value.slice(0, folder.shown), more: Math.max(0, value.length - folder.shown), error };
  }

  /** Notes that a folder is unfolded, or no longer. */
  setUnfolded(volume: VolumeSummary, path: string, isUnfolded: boolean): void {
    const folder = this.#folder(volume, path);
    folder.isUnfolded = isUnfolded;
    this.#watch(folder);
  }

  showMore(volume: VolumeSummary, path: string): void {
    this.#folder(volume, path).shown += PAGE_ROWS;
    this.#options.onChange();
  }

  /** Whether anybody sees the tree. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    for (const folder of this.#folders.values()) this.#watch(folder);
  }

  /** Looks again at all that is unfolded, of one volume or of all. */
  refresh(volumeId?: string): void {
    for (const folder of this.#folders.values())
      if (volumeId === undefined || folder.volumeId === volumeId) void folder.store.refresh();
  }

  /** Forgets the folders of volumes that are not there any more. */
  keep(volumeIds: readonly string[]): void {
    for (const [key, { volumeId, store }] of this.#folders) {
      if (volumeIds.includes(volumeId)) continue;
      store.dispose();
      this.#folders.delete(key);
    }
  }

  #watch({ store, isUnfolded }: Unfolded): void {
    store.watch(this.#isVisible && isUnfolded);
  }

  #folder(volume: VolumeSummary, path: string): Unfolded {
    const key = `${volume.id}${path}`;
    const known = this.#folders.get(key);
    if (known) return known;
    const { list, onChange, clock } = this.#options;
    const load = () => list(volume, path).then(sorted);
    const store = new PolledStore({ load: () => this.#inTurn(load), pollMs: POLL_MS, ...(clock && { clock }) });
    store.onDidChange(onChange);
    const folder = { volumeId: volume.id, store, isUnfolded: true, shown: PAGE_ROWS };
    this.#folders.set(key, folder);
    return folder;
  }

  #inTurn<T>(look: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(look);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function sorted(entries: readonly VolumeEntry[]): Promise<VolumeEntry[]> {
  const rank = ({ type }: VolumeEntry) => (type === 'directory' ? 0 : 1);
  return sortInSlices(entries, (one, other) => rank(one) - rank(other) || byName.compare(one.name, other.name));
}
