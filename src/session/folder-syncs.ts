import { SyncEngine } from '../sync/engine.ts';
import type { RuleSettings } from '../sync/rules.ts';
import type { Folder } from './sessions.ts';

export interface FolderSyncSources {
  /** Where the engines keep their indexes. */
  storageDir(): string;
  rules(folder: Folder): RuleSettings;
}

/** The sync engine of each folder; made anew when the folder's rules change. */
export class FolderSyncs {
  readonly #sources: FolderSyncSources;
  readonly #engines = new Map<string, { rules: string; engine: SyncEngine }>();

  constructor(sources: FolderSyncSources) {
    this.#sources = sources;
  }

  /** The engine of a folder. Starts nothing yet. */
  of(folder: Folder): SyncEngine {
    const settings = this.#sources.rules(folder);
    const rules = JSON.stringify(settings);
    const known = this.#engines.get(folder.path);
    if (known?.rules === rules) return known.engine;
    void known?.engine.dispose();
    const engine = new SyncEngine({ root: folder.path, storageDir: this.#sources.storageDir(), rules: settings });
    this.#engines.set(folder.path, { rules, engine });
    return engine;
  }

  /** Whether the folder was synced, or asked about, in this window. */
  isUsed(folder: Folder): boolean {
    return this.#engines.has(folder.path);
  }

  /** Ends the engines' threads. */
  async dispose(): Promise<void> {
    const engines = [...this.#engines.values()];
    this.#engines.clear();
    await Promise.all(engines.map(({ engine }) => engine.dispose()));
  }
}
