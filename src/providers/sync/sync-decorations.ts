import { sep } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { TASK_TYPE } from '../../run/task-definition.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import { reasonOf } from '../../sync/rules/reason.ts';
import type { Explanation } from '../../sync/rules/rule.ts';
import { placeOf } from '../common/folders.ts';
import { onDidChangeSettings } from '../common/settings.ts';
import { strings } from './strings.ts';

interface Query {
  readonly path: string;
  answer(rule: Explanation | undefined): void;
}

/**
 * Marks the files in the Explorer that aren't synced, with the rule that excludes them. Uses the same matcher as every
 * sync, and only in folders that were synced in this window, so that nothing is read earlier.
 */
export class SyncDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #syncs: FolderSyncs;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #subscriptions: vscode.Disposable;
  /** Queries of this turn of the event loop, by folder: VS Code asks file by file. */
  readonly #queries = new Map<string, Query[]>();
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(syncs: FolderSyncs) {
    this.#syncs = syncs;
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      vscode.window.registerFileDecorationProvider(this),
      onDidChangeSettings(() => this.#changed.fire(undefined), 'sync'),
      vscode.tasks.onDidEndTask(({ execution }) => {
        if (execution.task.definition.type === TASK_TYPE) this.#changed.fire(undefined);
      }),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async provideFileDecoration(uri: vscode.Uri): Promise<vscode.FileDecoration | undefined> {
    if (uri.scheme !== 'file' || !vscode.workspace.isTrusted) return undefined;
    const workspaceFolder = vscode.workspace.getWorkspaceFolder(uri);
    if (!workspaceFolder || uri.fsPath.includes(`${sep}.git${sep}`)) return undefined;
    try {
      const { folder, path } = placeOf(uri);
      if (path === '' || !this.#syncs.isUsed(folder)) return undefined;
      const rule = await new Promise<Explanation | undefined>((answer) => this.#ask(folder, { path, answer }));
      if (!rule || rule.included) return undefined;
      return {
        badge: '⊘',
        tooltip: cleanLine(strings.notSyncedTooltip(reasonOf(rule, folder.path, path))),
        propagate: false,
      };
    } catch {
      return undefined;
    }
  }

  #ask(folder: { name: string; path: string }, query: Query): void {
    const pending = this.#queries.get(folder.path);
    if (pending) {
      pending.push(query);
      return;
    }
    const queries = [query];
    this.#queries.set(folder.path, queries);
    setImmediate(async () => {
      this.#queries.delete(folder.path);
      const rules = await this.#syncs
        .of(folder)
        .explain(queries.map(({ path }) => path))
        .catch((): Explanation[] => []);
      for (const [at, { answer }] of queries.entries()) answer(rules[at]);
    });
  }
}
