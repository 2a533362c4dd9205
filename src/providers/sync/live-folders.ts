import { sep } from 'node:path';
import * as vscode from 'vscode';
import { formatBytes, visibleName } from '../../base/text.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import { progressLine } from '../../run/sync-report.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import { billing } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SyncProgress } from '../../sync/options.ts';
import type { SyncConsent } from '../../sync/push/consent.ts';
import { LiveSync } from '../../sync/push/live.ts';
import type { SizedFile } from '../../sync/push/prepared.ts';
import { LARGE_FILE_BYTES } from '../../sync/push/prepared.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';
import { withProgress } from '../common/progress.ts';
import { showError, shown } from '../common/report.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';
import { askInDialog } from './sync-questions.ts';

/** Sends saved files to the folders' running sandboxes if `modal.sync.live` is on. Doesn't start sandboxes. */
export class LiveFolders implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #syncs: FolderSyncs;
  /** The large files that the user was notified about. */
  readonly #offered = new Set<string>();
  readonly #subscriptions: vscode.Disposable;
  #watched: vscode.Disposable[] = [];

  constructor(sessions: Sessions, syncs: FolderSyncs) {
    this.#sessions = sessions;
    this.#syncs = syncs;
    const update = () => this.#update();
    this.#subscriptions = vscode.Disposable.from(
      onDidChangeSettings(update, 'sync'),
      vscode.workspace.onDidChangeWorkspaceFolders(update),
      vscode.workspace.onDidGrantWorkspaceTrust(update),
    );
    update();
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#unwatch();
  }

  #update(): void {
    this.#unwatch();
    if (!vscode.workspace.isTrusted) return;
    for (const folder of diskFolders()) {
      try {
        if (readSettings(folder.uri).sync.live) this.#watched.push(...this.#watch(syncedFolder(folder)));
      } catch (error) {
        showError(error);
      }
    }
  }

  #unwatch(): void {
    for (const each of this.#watched) each.dispose();
    this.#watched = [];
  }

  #watch(folder: Folder): vscode.Disposable[] {
    const live = new LiveSync({
      push: (paths) => this.#push(folder, paths),
      // The next run syncs again and shows the error in full.
      onError: (error) =>
        window.setStatusBarMessage([{ icon: 'warning' }, strings.liveSyncFailed(explainAndLog(error))], 10_000),
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

  /** Notifies the user once per window that a large file is left to the next run, and offers to send it. */
  async #offer(folder: Folder, { path, bytes }: SizedFile): Promise<void> {
    const key = `${folder.path}\0${path}`;
    if (this.#offered.has(key)) return;
    this.#offered.add(key);
    const message = strings.largeFileWaits(visibleName(path), formatBytes(bytes), formatBytes(LARGE_FILE_BYTES));
    const sendNow = strings.sendNow();
    if ((await window.showWarningMessage(message, sendNow)) !== sendNow) return;
    await shown(async () => {
      await withProgress(strings.sending(visibleName(path)), async (signal, report) => {
        const onProgress = (progress: SyncProgress) => report({ message: progressLine(progress) });
        const consent = await this.#consent(folder);
        for (const sandbox of await this.#sessions.sandboxesOf(folder))
          await this.#syncs.of(folder).push(sandbox, { paths: [path], signal, onProgress, ask: askInDialog, consent });
      });
      window.setStatusBarMessage([{ icon: 'sync' }, strings.sentFile(visibleName(path))], 3_000);
    });
  }

  /** Sandboxes of this window are in the account that is connected. */
  async #consent(folder: Folder): Promise<SyncConsent> {
    return this.#syncs.consent(folder, billing(await this.#sessions.connection()));
  }

  async #push(folder: Folder, paths: readonly string[] | undefined): Promise<void> {
    const sandboxes = await this.#sessions.sandboxesOf(folder);
    if (sandboxes.length === 0) return;
    const engine = this.#syncs.of(folder);
    const consent = await this.#consent(folder);
    let changes = 0;
    for (const sandbox of sandboxes) {
      const { files, deleted, heldBack, skipped } = await engine.push(sandbox, {
        paths,
        maxFileBytes: LARGE_FILE_BYTES,
        expectMore: true,
        consent,
      });
      changes = Math.max(changes, files + deleted);
      for (const file of heldBack) void this.#offer(folder, file);
      for (const { path, reason } of skipped.slice(0, 1))
        window.setStatusBarMessage([{ icon: 'warning' }, strings.liveSyncSkipped(visibleName(path), reason)], 10_000);
    }
    if (changes > 0) window.setStatusBarMessage([{ icon: 'sync' }, strings.sentChanges(changes)], 3_000);
  }
}
