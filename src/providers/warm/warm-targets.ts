import * as vscode from 'vscode';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import type { AccountState } from '../common/account-state.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';

export interface WarmTargetsDependencies {
  readonly account: AccountState;
  readonly profiles: { get(folder: Folder): Promise<NamedProfile> };
}

/** Returns the folders of this window whose current profile asks for warm sandboxes. */
export async function warmTargets({ account, profiles }: WarmTargetsDependencies): Promise<readonly WarmTarget[]> {
  if (!vscode.workspace.isTrusted || !account.isChosen) return [];
  const targets = await Promise.all(
    diskFolders().map(async (workspaceFolder): Promise<WarmTarget[]> => {
      try {
        const folder = syncedFolder(workspaceFolder);
        const named = await profiles.get(folder);
        return named.profile.warm ? [{ folder, named, warm: named.profile.warm }] : [];
      } catch {
        // The Problems view and the next run report what is wrong with the profile.
        return [];
      }
    }),
  );
  return targets.flat();
}
