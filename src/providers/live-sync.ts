import { sep } from 'node:path';
import * as vscode from 'vscode';
import { explainError } from '../modal/errors.ts';
import type { FolderSyncs } from '../session/folder-syncs.ts';
import type { Folder, Sessions } from '../session/sessions.ts';
import { syncedFolder } from './folders.ts';
import { readSettings } from './settings.ts';

const QUIET_MS = 150;
const MAX_WAIT_MS = 1_000;
/** More than this at once is a branch switch or an install: then a look at the whole folder is cheaper. */
const MAX_PATHS = 2_000;

/** Sends what is saved to the folders' running sandboxes, where `modal.sync.live` is on. Starts no sandbox. */
export class LiveSync implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #syncs: FolderSyncs;
  #watched: LiveFolder[] = [];

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
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      try {
        if (!readSettings(folder.uri).sync.live) continue;
        this.#watched.push(new LiveFolder(syncedFolder(folder), (each, paths) => this.#send(each, paths)));
      } catch (error) {
        void vscode.window.showErrorMessage(explainError(error));
      }
    }
  }

  async #send(folder: Folder, paths: readonly string[] | undefined): Promise<void> {
    const sandbox = await this.#sessions.running(folder);
    if (!sandbox) return;
    try {
      const { files, deleted } = await this.#syncs.of(folder).push(sandbox, { paths });
      const changes = files + deleted;
      if (changes > 0)
        vscode.window.setStatusBarMessage(
          `$(sync) Sent ${changes === 1 ? '1 change' : `${changes} changes`} to the sandbox`,
          3_000,
        );
    } catch (error) {
      // The next run syncs again, and says at length what is wrong.
      vscode.window.setStatusBarMessage(`$(warning) Live sync: ${explainError(error)}`, 10_000);
    }
  }
}

/** One folder: gathers events until they rest, and sends one batch at a time. */
class LiveFolder implements vscode.Disposable {
  readonly #folder: Folder;
  readonly #send: (folder: Folder, paths: readonly string[] | undefined) => Promise<void>;
  readonly #watcher: vscode.FileSystemWatcher;
  readonly #paths = new Set<string>();
  #firstAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending = false;

  constructor(folder: Folder, send: (folder: Folder, paths: readonly string[] | undefined) => Promise<void>) {
    this.#folder = folder;
    this.#send = send;
    this.#watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.file(folder.path), '**/*'),
    );
    for (const event of [this.#watcher.onDidChange, this.#watcher.onDidCreate, this.#watcher.onDidDelete]) {
      event((uri) => this.#note(uri));
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#watcher.dispose();
  }

  #note(uri: vscode.Uri): void {
    const path = uri.fsPath
      .slice(this.#folder.path.length + 1)
      .split(sep)
      .join('/');
    if (path === '.git' || path.startsWith('.git/')) return;
    if (this.#paths.size === 0) this.#firstAt = Date.now();
    this.#paths.add(path);
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const waited = Date.now() - this.#firstAt;
    this.#timer = setTimeout(() => void this.#flush(), Math.max(0, Math.min(QUIET_MS, MAX_WAIT_MS - waited)));
  }

  async #flush(): Promise<void> {
    if (this.#sending || this.#paths.size === 0) return;
    const paths = this.#paths.size > MAX_PATHS ? undefined : [...this.#paths];
    this.#paths.clear();
    this.#sending = true;
    await this.#send(this.#folder, paths);
    this.#sending = false;
    if (this.#paths.size > 0) this.#schedule();
  }
}
