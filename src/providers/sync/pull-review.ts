import { join } from 'node:path';
import * as vscode from 'vscode';
import { visibleName } from '../../base/text.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import type { RemoteChanges } from '../../sync/remote/remote.ts';
import { remoteUri, SANDBOX_SCHEME } from '../common/schemes.ts';
import { showDiff, window } from '../common/window.ts';
import { strings } from './strings.ts';

interface ChangeItem extends vscode.QuickPickItem {
  readonly path: string;
  readonly isNew: boolean;
}

/**
 * Lists a sandbox's changes, each with a button that shows the diff. Resolves with the paths that the user selects;
 * undefined if the user cancels.
 */
export function reviewChanges(
  { modified, created }: Pick<RemoteChanges, 'modified' | 'created'>,
  folder: Folder,
  sandboxId: string,
): Promise<string[] | undefined> {
  const showChanges = { iconPath: new vscode.ThemeIcon('diff'), tooltip: strings.showChanges() };
  const itemOf = (isNew: boolean) => (path: string) => {
    const description = isNew ? strings.addedInSandbox() : strings.changedInSandbox();
    return { path, isNew, label: visibleName(path), description, buttons: [showChanges] };
  };
  const items: ChangeItem[] = [...modified.map(itemOf(false)), ...created.map(itemOf(true))];
  const pick = window.createQuickPick<ChangeItem>();
  pick.title = strings.reviewTitle();
  pick.placeholder = strings.reviewPlaceholder();
  pick.canSelectMany = true;
  // Diffs that the user opens take the focus.
  pick.ignoreFocusOut = true;
  pick.items = items;
  pick.selectedItems = items.filter(({ isNew }) => !isNew);
  return new Promise((resolve) => {
    let selected: string[] | undefined;
    pick.onDidAccept(() => {
      selected = pick.selectedItems.map(({ path }) => path);
      pick.hide();
    });
    pick.onDidTriggerItemButton(({ item }) => void show(item, folder, sandboxId));
    pick.onDidHide(() => {
      pick.dispose();
      resolve(selected);
    });
    pick.show();
  });
}

/** Shows the diff of a changed file, or the content of an added one. */
async function show({ path, isNew }: ChangeItem, folder: Folder, sandboxId: string): Promise<void> {
  const remote = remoteUri(SANDBOX_SCHEME, { container: sandboxId, path: `${REMOTE_ROOT}/${path}` });
  const options = { preview: true, preserveFocus: true };
  if (isNew) await vscode.commands.executeCommand('vscode.open', remote, options);
  else {
    const local = vscode.Uri.file(join(folder.path, path));
    await showDiff(local, remote, strings.diffTitle(visibleName(path)), options);
  }
}
