import * as vscode from 'vscode';
import type { Clock } from '../../base/clock.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { diskFolderOf, syncedFolder } from '../common/folders.ts';

/** A folder's changes are reported once it has been unchanged for this long. */
const QUIET_MS = 3_000;

export interface FolderChangesDependencies {
  readonly clock: Clock;
  /** Returns false while changes need not be reported. */
  isNeeded(): boolean;
  onChange(folder: Folder): void;
}

/** Reports folders whose files have changed. Watches the file system only while that is needed. */
export class FolderChanges implements vscode.Disposable {
  readonly #dependencies: FolderChangesDependencies;
  /** Cancels the pending report of a folder, by its path. */
  readonly #pending = new Map<string, () => void>();
  #watcher: vscode.Disposable | undefined;

  constructor(dependencies: FolderChangesDependencies) {
    this.#dependencies = dependencies;
  }

  dispose(): void {
    this.watch(false);
  }

  /** Starts or stops watching. Stopping drops the pending reports. */
  watch(isWatched: boolean): void {
    if (isWatched) {
      this.#watcher ??= this.#createWatcher();
      return;
    }
    this.#watcher?.dispose();
    this.#watcher = undefined;
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  #createWatcher(): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    const changed = (uri: vscode.Uri) => this.#changed(uri);
    return vscode.Disposable.from(
      watcher,
      watcher.onDidChange(changed),
      watcher.onDidCreate(changed),
      watcher.onDidDelete(changed),
    );
  }

  #changed(uri: vscode.Uri): void {
    const { clock, isNeeded, onChange } = this.#dependencies;
    const workspaceFolder = diskFolderOf(uri);
    if (!workspaceFolder || !isNeeded()) return;
    const folder = syncedFolder(workspaceFolder);
    this.#pending.get(folder.path)?.();
    const report = () => {
      this.#pending.delete(folder.path);
      onChange(folder);
    };
    this.#pending.set(folder.path, clock.after(QUIET_MS, report));
  }
}
