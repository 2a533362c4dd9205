import * as vscode from 'vscode';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { registerCommands } from '../common/commands.ts';
import { LiveFolders } from './live-folders.ts';
import { SyncCommands } from './sync-commands.ts';
import { SyncDecorations } from './sync-decorations.ts';
import { askInDialog } from './sync-questions.ts';
import { type CredentialPermissions, SyncRules } from './sync-rules.ts';

export interface SyncModuleDependencies {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  readonly permissions: CredentialPermissions;
}

/** Syncing folders: its commands, live sync, and the marks on files that aren't synced. */
export function syncModule({ sessions, syncs, permissions }: SyncModuleDependencies) {
  const rules = new SyncRules(syncs, permissions);
  const commands = new SyncCommands(sessions, syncs);
  const disposable = vscode.Disposable.from(
    new LiveFolders(sessions, syncs),
    new SyncDecorations(syncs),
    registerCommands({
      'modal.whySynced': (uri?: vscode.Uri) => rules.explain(uri),
      'modal.syncNow': () => commands.push(),
      'modal.pullChanges': () => commands.pullChanges(),
      'modal.pull': (patterns?: string[]) => commands.pull(patterns),
      'modal.mirror': () => commands.mirror(),
    }),
  );
  return Object.assign(disposable, { rules, ask: askInDialog });
}
