import { sep } from 'node:path';
import * as vscode from 'vscode';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Explanation } from '../../sync/rules/rules.ts';
import { placeOf } from '../common/folders.ts';
import { reasonOf } from './sync-rules.ts';

interface Question {
  readonly path: string;
  answer(rule: Explanation | undefined): void;
}

/**
 * Marks files in the Explorer that a run's sandbox does not have, with the rule that leaves them out. Asks the same
 * matcher as every sync; only of folders that have been synced in this window, so that nothing is read before.
 */
export class SyncDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #syncs: FolderSyncs;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #registration: vscode.Disposable;
  /** Questions of this turn of the event loop, by folder: VS Code asks file by file. */
  readonly #waiting = new Map<string, Question[]>();
  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(syncs: FolderSyncs) {
    this.#syncs = syncs;
    this.#registration = vscode.window.registerFileDecorationProvider(this);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** Rules or files have changed. */
  update(): void {
    this.#changed.fire(undefined);
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
        tooltip: `Not synced to the sandbox: ${reasonOf(rule, { folder, path })}`,
        propagate: false,
      };
    } catch {
      return undefined;
    }
  }

  #ask(folder: { name: string; path: string }, question: Question): void {
    const waiting = this.#waiting.get(folder.path);
    if (waiting) {
      waiting.push(question);
      return;
    }
    const questions = [question];
    this.#waiting.set(folder.path, questions);
    setImmediate(async () => {
      this.#waiting.delete(folder.path);
      const rules = await this.#syncs
        .of(folder)
        .explain(questions.map(({ path }) => path))
        .catch((): Explanation[] => []);
      for (const [at, { answer }] of questions.entries()) answer(rules[at]);
    });
  }
}
