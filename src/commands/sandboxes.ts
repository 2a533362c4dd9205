import * as vscode from 'vscode';
import { explainError } from '../modal/errors.ts';
import { type SandboxSummary, Tag, terminateSandbox } from '../modal/sandboxes.ts';
import type { Sessions } from '../session/sessions.ts';
import type { SandboxStore } from '../views/sandbox-store.ts';

/** `modal.terminateSandbox`: ends a sandbox after a question; what runs in it and is not synced back is lost. */
export async function terminate(sandbox: SandboxSummary, sessions: Sessions, store: SandboxStore): Promise<void> {
  const name = sandbox.tags[Tag.folderName] ?? sandbox.id;
  const action = 'Terminate';
  const question = `Terminate the sandbox of “${name}”? What runs in it ends, and its files are gone.`;
  if ((await vscode.window.showWarningMessage(question, { modal: true }, action)) !== action) return;
  try {
    const { client } = await sessions.connection();
    await vscode.window.withProgress({ location: { viewId: 'modal.sandboxes' } }, () =>
      terminateSandbox(client, sandbox.id),
    );
  } catch (error) {
    void vscode.window.showErrorMessage(explainError(error));
  }
  await store.refresh();
}
