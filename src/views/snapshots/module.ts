import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import type { ResourceModule } from '../common/resource-module.ts';
import { SnapshotCommands } from './snapshot-commands.ts';
import { snapshotStore, snapshotsTree } from './snapshots-tree.ts';

export interface SnapshotsModuleOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly isAccountChosen: () => boolean;
  readonly folders: () => readonly Folder[];
  /** A sandbox was started. */
  readonly onStart: () => void;
}

/** The Snapshots view and what can be done with snapshots. */
export function snapshotsModule({
  sessions,
  snapshots,
  isAccountChosen,
  folders,
  onStart,
}: SnapshotsModuleOptions): ResourceModule {
  const store = snapshotStore(snapshots);
  const tree = snapshotsTree(store, isAccountChosen);
  const refresh = () => void store.refresh();
  const actions = new SnapshotCommands({ sessions, snapshots, folders, onStart, onChange: refresh });
  const isSnapshot = (row: object): row is Snapshot => 'imageId' in row;
  // A key of the keyboard names no row: then it is what is selected.
  const chosen = (row?: Snapshot, rows: readonly object[] = tree.view.selection): Snapshot[] => {
    const selected = rows.filter(isSnapshot);
    return row && !selected.includes(row) ? [row] : selected;
  };
  const onSnapshot = (action: (snapshot: Snapshot) => unknown) => (row?: Snapshot) => {
    const [snapshot] = row ? [row] : chosen();
    return snapshot && action(snapshot);
  };
  const command = (id: string, action: (...args: never[]) => unknown) => vscode.commands.registerCommand(id, action);
  const disposables = [
    tree,
    command('modal.refreshSnapshots', () => store.refresh()),
    command('modal.createSnapshot', (row?: SandboxSummary) => actions.create(row)),
    command('modal.createDirectorySnapshot', (row?: SandboxSummary) => actions.createOfDirectory(row)),
    command('modal.forkSandbox', (row?: SandboxSummary) => actions.fork(row)),
    command(
      'modal.restoreSnapshot',
      onSnapshot((snapshot) => actions.restore(snapshot)),
    ),
    command(
      'modal.renameSnapshot',
      onSnapshot((snapshot) => actions.rename(snapshot)),
    ),
    command(
      'modal.changeSnapshotLifetime',
      onSnapshot((snapshot) => actions.changeLifetime(snapshot)),
    ),
    command('modal.deleteSnapshots', (row?: Snapshot, rows?: object[]) => {
      const all = chosen(row, rows);
      return all.length > 0 && actions.delete(all);
    }),
    command(
      'modal.copySnapshotId',
      onSnapshot(({ imageId }) => vscode.env.clipboard.writeText(imageId)),
    ),
  ];
  return {
    update: () => tree.update(),
    reset: () => store.reset(),
    refresh,
    dispose: () => {
      for (const each of disposables) each.dispose();
    },
  };
}
