import type { Sandbox } from 'modal';
import { SyncEngine } from '../sync/engine.ts';
import { Connections } from '../sync/push/connection.ts';
import { type SyncConsent, withoutMemory } from '../sync/push/consent.ts';
import type { RuleSettings } from '../sync/rules/rules.ts';
import type { Folder } from './folder.ts';
import type { Recipient } from './permissions/sync-consent.ts';
import type { Session } from './session.ts';

export interface FolderSyncDependencies {
  /** Returns the folder in which engines keep their indexes. */
  storageDir(): string;
  rules(folder: Folder): RuleSettings;
  /** Returns the user's answers about sending a folder to an account. Without it, nothing is remembered. */
  consent?(folder: Folder, recipient: Recipient): SyncConsent;
  /** Called before a sync that the user was asked about deletes or overwrites files in a sandbox. Never throws. */
  beforeLoss?(folder: Folder, sandbox: Sandbox): Promise<void>;
  /** Returns whether sandboxes run on this computer, where compression costs more than it saves. */
  isLocal(): boolean;
}

/** The sync engine of each folder. An engine is replaced when its rules or the account change. */
export class FolderSyncs {
  readonly #dependencies: FolderSyncDependencies;
  /** Shared, so that an engine that replaces another one waits for its pushes. */
  readonly #connections = new Connections();
  readonly #engines = new Map<string, { key: string; engine: SyncEngine }>();

  constructor(dependencies: FolderSyncDependencies) {
    this.#dependencies = dependencies;
  }

  /** Returns a folder's engine, without starting anything. */
  of(folder: Folder): SyncEngine {
    const options = {
      root: folder.path,
      storageDir: this.#dependencies.storageDir(),
      rules: this.#dependencies.rules(folder),
      compression: this.#dependencies.isLocal() ? 'never' : 'auto',
    } as const;
    const key = JSON.stringify(options);
    const known = this.#engines.get(folder.path);
    if (known?.key === key) return known.engine;
    void known?.engine.dispose();
    const engine = new SyncEngine({
      ...options,
      connections: this.#connections,
      beforeLoss: async (sandbox) => this.#dependencies.beforeLoss?.(folder, sandbox),
    });
    this.#engines.set(folder.path, { key, engine });
    return engine;
  }

  /** Returns the user's answers about sending a folder to the account of a session. */
  consent(folder: Folder, { accountId, isBilled }: Pick<Session, 'accountId' | 'isBilled'>): SyncConsent {
    const isLocal = !isBilled;
    return this.#dependencies.consent?.(folder, { accountId, isLocal }) ?? withoutMemory(isLocal);
  }

  /** Sandboxes run on this computer. */
  get isLocal(): boolean {
    return this.#dependencies.isLocal();
  }

  /** Returns whether this window has used the folder's engine. */
  isUsed(folder: Folder): boolean {
    return this.#engines.has(folder.path);
  }

  /** Stops the engines' threads. */
  async dispose(): Promise<void> {
    const engines = [...this.#engines.values()];
    this.#engines.clear();
    await Promise.all(engines.map(({ engine }) => engine.dispose()));
  }
}
