import * as vscode from 'vscode';
import type { CurrentSession } from './status-bar.ts';

/** `modal.sessionMenu`: what can be done with a folder's sandbox. */
export async function showSessionMenu({ title, isRunning }: CurrentSession): Promise<void> {
  const whenRunning = [
    { label: '$(cloud-download) Pull Changes from Sandbox…', command: 'modal.pullChanges' },
    { label: '$(debug-pause) Pause Sandbox', command: 'modal.pauseSandbox' },
    { label: '$(debug-restart) Replace Sandbox', command: 'modal.replaceSandbox' },
  ];
  const items = [
    { label: '$(play) Run Active File in Sandbox', command: 'modal.runActiveFile' },
    { label: '$(terminal) Open Terminal in Sandbox', command: 'modal.openTerminal' },
    { label: '$(server-environment) Choose Profile…', command: 'modal.chooseProfile' },
    ...(isRunning ? whenRunning : [{ label: '$(debug-continue) Resume Sandbox', command: 'modal.resumeSandbox' }]),
    { label: '$(list-tree) Show Sandboxes', command: 'modal.sandboxes.focus' },
    { label: '$(debug-stop) Stop Everything', command: 'modal.stopEverything' },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: 'What to do with the folder’s sandbox',
  });
  if (picked) await vscode.commands.executeCommand(picked.command);
}
