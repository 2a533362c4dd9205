import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Folder } from '../../sandboxes/folder.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { SANDBOX_SCHEME } from '../common/schemes.ts';

/** What a sandbox has that this folder has not, as paths relative to the folder. */
export interface RemoteChanges {
  readonly modified: readonly string[];
  readonly created: readonly string[];
}

interface ChangeItem extends vscode.QuickPickItem {
  readonly path: string;
  readonly isNew: boolean;
}

const SHOW: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('diff'), tooltip: 'Show what changed' };

/**
 * Lets a person go through the changes: each with its difference, take all, some or none. Resolves with the paths that are
 * taken; undefined when the list was left.
 */
export function reviewChanges(
  { modified, created }: RemoteChanges,
  folder: Folder,
  sandboxId: string,
): Promise<string[] | undefined> {
  const itemOf = (isNew: boolean) => (path: string) => {
    return { path, isNew, label: path, description: isNew ? 'only there' : 'changed there', buttons: [SHOW] };
  };
  const items: ChangeItem[] = [...modified.map(itemOf(false)), ...created.map(itemOf(true))];
  const pick = vscode.window.createQuickPick<ChangeItem>();
  pick.title = 'Modal: Pull Changes from Sandbox';
  pick.placeholder = 'What to bring back into this folder?';
  pick.canSelectMany = true;
  // The differences that are looked at take the focus.
  pick.ignoreFocusOut = true;
  pick.items = items;
  pick.selectedItems = items.filter(({ isNew }) => !isNew);
  return new Promise((resolve) => {
    let taken: string[] | undefined;
    pick.onDidAccept(() => {
      taken = pick.selectedItems.map(({ path }) => path);
      pick.hide();
    });
    pick.onDidTriggerItemButton(({ item }) => void show(item, folder, sandboxId));
    pick.onDidHide(() => {
      pick.dispose();
      resolve(taken);
    });
    pick.show();
  });
}

/** The difference of a file that both have; a file that is new, as it is. */
async function show({ path, isNew }: ChangeItem, folder: Folder, sandboxId: string): Promise<void> {
  const there = vscode.Uri.from({ scheme: SANDBOX_SCHEME, path: `/${sandboxId}${REMOTE_ROOT}/${path}` });
  const options = { preview: true, preserveFocus: true };
  if (isNew) await vscode.commands.executeCommand('vscode.open', there, options);
  else {
    const here = vscode.Uri.file(join(folder.path, path));
    await vscode.commands.executeCommand('vscode.diff', here, there, `${path} (here ↔ sandbox)`, options);
  }
}
