import * as vscode from 'vscode';

const REMOVE = 'Remove Folder';

/** The folders of the window that belong to a sandbox: once it has ended, a person is offered to remove them. */
export class GoneFolders {
  readonly #scheme: string;
  readonly #beforeRestart: () => Promise<unknown>;
  readonly #told = new Set<string>();

  constructor(scheme: string, beforeRestart: () => Promise<unknown>) {
    this.#scheme = scheme;
    this.#beforeRestart = beforeRestart;
  }

  /** The sandbox was found to have ended. Says so once, where one of its folders is open. */
  async tell(sandboxId: string): Promise<void> {
    const [first] = this.#of(sandboxId);
    if (!first || this.#told.has(sandboxId)) return;
    this.#told.add(sandboxId);
    const said = `The sandbox behind the folder “${first.name}” has ended, and its files with it. What the Explorer shows of it cannot be opened.`;
    if ((await vscode.window.showWarningMessage(said, REMOVE)) !== REMOVE) return;
    const [folder] = this.#of(sandboxId);
    if (!folder) return;
    // Without its first folder a window restarts.
    if (folder.index === 0) await this.#beforeRestart();
    vscode.workspace.updateWorkspaceFolders(folder.index, 1);
  }

  #of(sandboxId: string): vscode.WorkspaceFolder[] {
    return (vscode.workspace.workspaceFolders ?? []).filter(
      ({ uri }) => uri.scheme === this.#scheme && uri.path.split('/')[1] === sandboxId,
    );
  }
}
