import { existsSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { RemoteFileError, type RemoteFiles } from '../../modal/remote-files.ts';
import { type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { download, filesToDownload } from '../../modal/transfer.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { diskFolders, placeOf, workspaceFolderPaths } from '../common/folders.ts';
import { pickDownloadFolder } from '../common/inputs.ts';
import { shown } from '../common/report.ts';
import { SANDBOX_SCHEME } from '../common/schemes.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { transfer } from '../common/transfers.ts';
import { showDiff, window } from '../common/window.ts';
import type { RemoteFileSystems } from './remote-file-systems.ts';
import { strings } from './strings.ts';

/** The commands on files of sandboxes and volumes in the Explorer and the editor. Errors are shown. */
export class RemoteFileCommands {
  readonly #sessions: Sessions;
  readonly #systems: RemoteFileSystems;
  readonly #commands: RunningCommands;

  constructor(sessions: Sessions, systems: RemoteFileSystems, commands: RunningCommands) {
    this.#sessions = sessions;
    this.#systems = systems;
    this.#commands = commands;
  }

  /** `modal.openInExplorer`: adds the sandbox's workspace, or its root if it has none, as a workspace folder. */
  openInExplorer(sandbox: SandboxSummary): Promise<void> {
    return shown(async () => {
      const { sandboxes } = this.#systems;
      const uri = sandboxes.uri({ container: sandbox.id, path: await rootOf(sandboxes.files(sandbox.id)) });
      // VS Code stops this extension in a window with only virtual folders (`virtualWorkspaces` in package.json).
      if (diskFolders().length === 0) throw new UserError(strings.openLocalFolderFirst(), { actions: ['openFolder'] });
      const folders = vscode.workspace.workspaceFolders ?? [];
      const isOpen = folders.some((folder) => folder.uri.toString() === uri.toString());
      const restarts = !isOpen && !vscode.workspace.workspaceFile;
      if (restarts && !(await this.#mayRestart())) return;
      // Before adding the folder, which may restart the window.
      await vscode.commands.executeCommand('workbench.view.explorer');
      if (isOpen) return;
      const stay = restarts ? await this.#sessions.handOver() : undefined;
      const name = cleanLine(strings.folderName(sandboxLabel(sandbox)));
      if (vscode.workspace.updateWorkspaceFolders(folders.length, 0, { uri, name })) return;
      await stay?.();
      throw new UserError(strings.folderNotAdded());
    });
  }

  /** Confirms the restart by which VS Code adds a second folder to a window, if it stops programs in terminals. */
  async #mayRestart(): Promise<boolean> {
    const labels = this.#commands.all.map(({ label }) => commonStrings.quoted(label));
    if (labels.length === 0) return true;
    const question = strings.confirmRestart(labels.join(', '));
    const action = strings.restartAndOpen();
    return (await window.showWarningMessage(question, { modal: true }, action)) === action;
  }

  /** `modal.compareWithLocal`: compares a sandbox's file with the local file that is synced to it. */
  compareWithLocal(uri = vscode.window.activeTextEditor?.document.uri): Promise<void> {
    return shown(async () => {
      if (uri?.scheme !== SANDBOX_SCHEME) throw new UserError(strings.selectSandboxFile());
      const { container, path } = this.#systems.sandboxes.place(uri);
      const relative = posix.relative(REMOTE_ROOT, path);
      const folder = relative.startsWith('..') ? undefined : await this.#localFolder(container);
      const local = folder && join(folder, ...relative.split('/'));
      if (!local || !existsSync(local)) throw new UserError(strings.noLocalFile(path));
      await compare(uri, vscode.Uri.file(local));
    });
  }

  /** `modal.compareWithSandbox`: compares a local file with the one in the folder's sandbox. */
  compareWithSandbox(uri = vscode.window.activeTextEditor?.document.uri): Promise<void> {
    return shown(async () => {
      if (!uri) throw new UserError(strings.noFileOpen());
      const { folder, path, name } = placeOf(uri);
      const sandbox = await this.#sessions.lastSandboxOf(folder);
      if (!sandbox) throw new UserError(strings.noSandboxForFile(name));
      const place = { container: sandbox.sandboxId, path: posix.join(REMOTE_ROOT, path) };
      const remote = this.#systems.sandboxes.uri(place);
      await vscode.workspace.fs.stat(remote).then(undefined, (error: unknown) => {
        const isMissing = error instanceof vscode.FileSystemError && error.code === 'FileNotFound';
        throw isMissing ? new UserError(strings.notInSandbox(path)) : error;
      });
      await compare(remote, uri);
    });
  }

  /** `modal.downloadRemoteFile`: downloads files and folders of a sandbox or volume into a local folder. */
  download(uri: vscode.Uri | undefined, selected: readonly vscode.Uri[] = []): Promise<void> {
    return shown(async () => {
      const chosen = uri && selected.length > 1 ? selected : [uri ?? vscode.window.activeTextEditor?.document.uri];
      const remote = chosen.filter((each) => each !== undefined);
      const into = await pickDownloadFolder();
      if (into) for (const each of remote) await this.#downloadTo(each, into.fsPath);
    });
  }

  /** Downloads a file or folder into a local folder, after confirmation if it replaces anything. */
  async #downloadTo(uri: vscode.Uri, into: string): Promise<void> {
    const system = uri.scheme === SANDBOX_SCHEME ? this.#systems.sandboxes : this.#systems.volumes;
    const { container, path } = system.place(uri);
    // As shown, so that it isn't put into effect by the download.
    const name = posix.basename(uri.path);
    const target = join(into, name);
    if (existsSync(target)) {
      const question = strings.confirmReplace(name, basename(into));
      const action = strings.replace();
      if ((await window.showWarningMessage(question, { modal: true }, action)) !== action) return;
    }
    const files = system.files(container);
    await transfer(
      strings.downloading(name),
      (signal) => filesToDownload(files, path, target, signal),
      (pair, options) => download(files, pair, options),
    );
  }

  /** The local folder that was synced to a sandbox: the one in its tags, or the only one. */
  async #localFolder(sandboxId: string): Promise<string | undefined> {
    const paths = workspaceFolderPaths();
    const { client } = await this.#sessions.connection();
    const tags = await (await client.sandboxes.fromId(sandboxId)).getTags();
    return paths.find((path) => folderKey(path) === tags[Tag.folder]) ?? (paths.length === 1 ? paths[0] : undefined);
  }
}

/** Returns the workspace of a sandbox, or the root of its file system if it has none. */
export async function rootOf(files: RemoteFiles): Promise<string> {
  try {
    return (await files.stat(REMOTE_ROOT)).type === 'directory' ? REMOTE_ROOT : '/';
  } catch (error) {
    if (error instanceof RemoteFileError && error.problem === 'notFound') return '/';
    throw error;
  }
}

async function compare(remote: vscode.Uri, local: vscode.Uri): Promise<void> {
  const title = strings.diffTitle(posix.basename(local.path));
  await showDiff(remote, local, title);
}
