import { sep } from 'node:path';
import * as vscode from 'vscode';
import { formatBytes } from '../../base/text.ts';
import { explainAndLog } from '../../modal/errors.ts';
import { progressLine } from '../../run/sync-report.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SyncProgress } from '../../sync/options.ts';
import { LiveSync } from '../../sync/push/live.ts';
import type { SizedFile } from '../../sync/push/prepared.ts';
import { LARGE_FILE_BYTES } from '../../sync/push/prepared.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';
import { readSettings } from '../common/settings.ts';
import { askInDialog } from './sync-questions.ts';

const SEND_NOW = 'Send Now';

/** Sends what is saved to the folders' running sandboxes, where `modal.sync.live` is on. Starts no sandbox. */
export class LiveFolders implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #syncs: FolderSyncs;
  readonly #offered = new Set<string>();
  #watched: vscode.Disposable[] = [];

  constructor(sessions: Sessions, syncs: FolderSyncs) {
    this.#sessions = sessions;
    this.#syncs = syncs;
    this.update();
  }

  dispose(): void {
    for (const each of this.#watched) each.dispose();
    this.#watched = [];
  }

  /** Settings, folders or trust have changed. */
  update(): void {
    this.dispose();
    if (!vscode.workspace.isTrusted) return;
    for (const folder of diskFolders()) {
      try {
        if (readSettings(folder.uri).sync.live) this.#watched.push(...this.#watch(syncedFolder(folder)));
      } catch (error) {
        void vscode.window.showErrorMessage(explainAndLog(error));
      }
    }
  }

  #watch(folder: Folder): vscode.Disposable[] {
    const live = new LiveSync({
      push: (paths) => this.#push(folder, paths),
      // The next run syncs again, and says at length what is wrong.
      onError: (error) => vscode.window.setStatusBarMessage(`$(warning) Live sync: ${explainAndLog(error)}`, 10_000),
    });
    const pattern = new vscode.RelativePattern(vscode.Uri.file(folder.path), '**/*');
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const changed = ({ fsPath }: vscode.Uri) =>
      live.changed(
        fsPath
          .slice(folder.path.length + 1)
          .split(sep)
          .join('/'),
      );
    return [
      live,
      watcher,
      ...[watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete].map((event) => event(changed)),
    ];
  }

  /** Says once in a window that a large file waits for the next run, which sends it. */
  async #offer(folder: Folder, { path, bytes }: SizedFile): Promise<void> {
    const key = `${folder.path}\0${path}`;
    if (this.#offered.has(key)) return;
    this.#offered.add(key);
    const sentence = `“${path}” (${formatBytes(bytes)}) waits for the next run: live sync leaves files of more than ${formatBytes(LARGE_FILE_BYTES)} to it.`;
    if ((await vscode.window.showWarningMessage(sentence, SEND_NOW)) !== SEND_NOW) return;
    const options = { location: vscode.ProgressLocation.Notification, title: `Sending “${path}”`, cancellable: true };
    await vscode.window.withProgress(options, async (progress, token) => {
      const cancel = new AbortController();
      token.onCancellationRequested(() => cancel.abort());
      const onProgress = (at: SyncProgress) => progress.report({ message: progressLine(at) });
      try {
        for (const sandbox of await this.#sessions.started.allOf(folder))
          await this.#syncs
            .of(folder)
            .push(sandbox, { paths: [path], signal: cancel.signal, onProgress, ask: askInDialog });
        vscode.window.setStatusBarMessage(`$(sync) Sent “${path}” to the sandbox`, 3_000);
      } catch (error) {
        if (!cancel.signal.aborted) void vscode.window.showErrorMessage(explainAndLog(error));
      }
    });
  }

  async #push(folder: Folder, paths: readonly string[] | undefined): Promise<void> {
    const engine = this.#syncs.of(folder);
    let changes = 0;
    for (const sandbox of await this.#sessions.started.allOf(folder)) {
      const { files, deleted, heldBack } = await engine.push(sandbox, {
        paths,
        maxFileBytes: LARGE_FILE_BYTES,
        expectMore: true,
      });
      changes = Math.max(changes, files + deleted);
      for (const file of heldBack) void this.#offer(folder, file);
    }
    if (changes === 0) return;
    vscode.window.setStatusBarMessage(
      `$(sync) Sent ${changes === 1 ? '1 change' : `${changes} changes`} to the sandbox`,
      3_000,
    );
  }
}
