import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { registerCommands } from '../../providers/common/commands.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { SavePoints } from '../../sandboxes/save-points.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SavePointGroup } from '../../snapshots/save-points.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { rowSelection } from '../common/row-selection.ts';
import { CompareCommands } from './compare-commands.ts';
import { SavePointCommands } from './save-point-commands.ts';
import { SnapshotCommands } from './snapshot-commands.ts';
import { snapshotStore, snapshotsTree } from './snapshots-tree.ts';

export interface SnapshotsModuleDependencies {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly savePoints: SavePoints;
  readonly commands: RunningCommands;
  readonly account: AccountState;
  readonly folders: () => readonly Folder[];
  /** Fires when snapshots have been taken or used elsewhere, as by pausing a sandbox. */
  readonly onDidChangeSnapshots: Event<unknown>;
}

export interface SnapshotsModule extends vscode.Disposable {
  /** Fires when a sandbox was started from a snapshot. */
  readonly onDidStartSandbox: Event<void>;
}

/** The Snapshots view and its commands. */
export function snapshotsModule(dependencies: SnapshotsModuleDependencies): SnapshotsModule {
  const { sessions, snapshots, account, folders, onDidChangeSnapshots } = dependencies;
  const store = snapshotStore(snapshots);
  const tree = snapshotsTree(store, account);
  const actions = new SnapshotCommands({ sessions, snapshots, folders });
  const points = new SavePointCommands({ ...dependencies, pickSandbox: (title) => actions.pickSandbox(title) });
  const comparison = new CompareCommands(sessions, snapshots);
  const { one, all } = rowSelection(tree.view, (row): row is Snapshot => 'imageId' in row);
  const refresh = () => void store.refresh();
  const disposable = vscode.Disposable.from(
    tree,
    actions,
    actions.onDidChange(refresh),
    points,
    points.onDidChange(refresh),
    comparison,
    onDidChangeSnapshots(refresh),
    registerCommands({
      'modal.refreshSnapshots': () => store.refresh(),
      'modal.createSnapshot': (row?: SandboxSummary) => actions.create(row),
      'modal.createDirectorySnapshot': (row?: SandboxSummary) => actions.createOfDirectory(row),
      'modal.forkSandbox': (row?: SandboxSummary) => actions.fork(row),
      'modal.createSavePoint': (row?: SandboxSummary) => points.create(row),
      'modal.restoreSavePoint': one((snapshot) => points.restore(snapshot)),
      'modal.cleanUpSavePoints': (row?: SavePointGroup) => points.cleanUp(row && 'nodes' in row ? row : undefined),
      'modal.compareSnapshots': all((rows) => comparison.compare(rows)),
      'modal.restoreSnapshot': one((snapshot) => actions.restore(snapshot)),
      'modal.renameSnapshot': one((snapshot) => actions.rename(snapshot)),
      'modal.changeSnapshotLifetime': one((snapshot) => actions.changeLifetime(snapshot)),
      'modal.deleteSnapshots': all((rows) => actions.delete(rows)),
      'modal.copySnapshotId': one(({ imageId }) => vscode.env.clipboard.writeText(imageId)),
    }),
  );
  return Object.assign(disposable, { onDidStartSandbox: actions.onDidStartSandbox });
}
