import * as vscode from 'vscode';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** The workspace folders that show a sandbox's files. Offers to remove them once the sandbox has stopped. */
export class SandboxFolders {
  readonly #scheme: string;
  readonly #beforeRestart: () => Promise<unknown>;
  /** IDs of stopped sandboxes that the user knows about. */
  readonly #reported = new Set<string>();

  constructor(scheme: string, beforeRestart: () => Promise<unknown>) {
    this.#scheme = scheme;
    this.#beforeRestart = beforeRestart;
  }

  /** Reports, once, that the sandbox of an open folder has stopped. */
  async reportStopped(sandboxId: string): Promise<void> {
    const [first] = this.#of(sandboxId);
    if (!first || this.#reported.has(sandboxId)) return;
    this.#reported.add(sandboxId);
    const action = strings.removeFolder();
    if ((await window.showWarningMessage(strings.sandboxGone(first.name), action)) !== action) return;
    const [folder] = this.#of(sandboxId);
    if (!folder) return;
    // Removing the first folder restarts the window.
    if (folder.index === 0) await this.#beforeRestart();
    vscode.workspace.updateWorkspaceFolders(folder.index, 1);
  }

  #of(sandboxId: string): vscode.WorkspaceFolder[] {
    return (vscode.workspace.workspaceFolders ?? []).filter(
      ({ uri }) => uri.scheme === this.#scheme && uri.path.split('/')[1] === sandboxId,
    );
  }
}
