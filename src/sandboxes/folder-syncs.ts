import { SyncEngine } from '../sync/engine.ts';
import { Connections } from '../sync/push/connection.ts';
import type { RuleSettings } from '../sync/rules/rules.ts';
import type { Folder } from './folder.ts';

export interface FolderSyncSources {
  /** Where the engines keep their indexes. */
  storageDir(): string;
  rules(folder: Folder): RuleSettings;
  /** Whether sandboxes run on this machine, where compression costs more than it saves. */
  isLocal(): boolean;
}

/** The sync engine of each folder; made anew when its rules or the account change. */
export class FolderSyncs {
  readonly #sources: FolderSyncSources;
  /** Shared, so that an engine that replaces another one waits for its pushes. */
  readonly #connections = new Connections();
  readonly #engines = new Map<string, { key: string; engine: SyncEngine }>();

  constructor(sources: FolderSyncSources) {
    this.#sources = sources;
  }

  /** The engine of a folder. Starts nothing yet. */
  of(folder: Folder): SyncEngine {
    const options = {
      root: folder.path,
      storageDir: this.#sources.storageDir(),
      rules: this.#sources.rules(folder),
      compression: this.#sources.isLocal() ? 'never' : 'auto',
    } as const;
    const key = JSON.stringify(options);
    const known = this.#engines.get(folder.path);
    if (known?.key === key) return known.engine;
    void known?.engine.dispose();
    const engine = new SyncEngine({ ...options, connections: this.#connections });
    this.#engines.set(folder.path, { key, engine });
    return engine;
  }

  /** Whether sandboxes run on this machine. */
  get isLocal(): boolean {
    return this.#sources.isLocal();
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
