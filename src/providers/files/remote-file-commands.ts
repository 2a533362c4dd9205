import { existsSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { RemoteFileError, type RemoteFiles } from '../../modal/remote-files.ts';
import { type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { download, filesToDownload } from '../../modal/transfer.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { diskFolders, placeOf, workspaceFolderPaths } from '../common/folders.ts';
import { shown } from '../common/progress.ts';
import { SANDBOX_SCHEME } from '../common/schemes.ts';
import { transfer } from '../common/transfers.ts';
import type { RemoteFileSystems } from './remote-file-systems.ts';

const RESTART = 'Restart and Open';

/** What people do with the files of sandboxes and volumes in the Explorer and the editor. */
export class RemoteFileCommands {
  readonly #sessions: Sessions;
  readonly #systems: RemoteFileSystems;
  readonly #commands: RunningCommands;

  constructor(sessions: Sessions, systems: RemoteFileSystems, commands: RunningCommands) {
    this.#sessions = sessions;
    this.#systems = systems;
    this.#commands = commands;
  }

  /** `modal.openInExplorer`: the sandbox's workspace, or all its files where it has none, as a folder of the window. */
  openInExplorer(sandbox: SandboxSummary): Promise<void> {
    return shown(async () => {
      const { sandboxes } = this.#systems;
      const uri = sandboxes.uri({ container: sandbox.id, path: await rootOf(sandboxes.files(sandbox.id)) });
      // VS Code ends this extension in a window of nothing but such folders (`virtualWorkspaces` in package.json).
      if (diskFolders().length === 0)
        throw new UserError(
          'Open a folder of this machine first (“File: Open Folder…”): the sandbox’s comes beside it.',
        );
      const folders = vscode.workspace.workspaceFolders ?? [];
      const isThere = folders.some((folder) => folder.uri.toString() === uri.toString());
      const restarts = !isThere && !vscode.workspace.workspaceFile;
      if (restarts && !(await this.#mayRestart())) return;
      // First: adding a folder may restart the window.
      await vscode.commands.executeCommand('workbench.view.explorer');
      if (isThere) return;
      const stay = restarts ? await this.#sessions.handOver() : undefined;
      const name = `${sandboxLabel(sandbox).replaceAll(/[\r\n]+/g, ' ')} (sandbox)`;
      if (vscode.workspace.updateWorkspaceFolders(folders.length, 0, { uri, name })) return;
      await stay?.();
      throw new UserError('VS Code did not take the folder. Wait until it has taken the last one, then try again.');
    });
  }

  /** A window of one folder becomes one of several by a restart, which ends what runs in its terminals. */
  async #mayRestart(): Promise<boolean> {
    const labels = this.#commands.all.map(({ label }) => `“${label}”`);
    if (labels.length === 0) return true;
    const question = `VS Code restarts a window of one folder to add a second one. ${labels.join(', ')} would be ended; the sandbox goes on.`;
    return (await vscode.window.showWarningMessage(question, { modal: true }, RESTART)) === RESTART;
  }

  /** `modal.compareWithLocal`: a sandbox's file beside the one of this machine that is synced to it. */
  compareWithLocal(uri = vscode.window.activeTextEditor?.document.uri): Promise<void> {
    return shown(async () => {
      if (uri?.scheme !== SANDBOX_SCHEME) throw new UserError('Choose a file of a sandbox to compare.');
      const { container, path } = this.#systems.sandboxes.place(uri);
      const relative = posix.relative(REMOTE_ROOT, path);
      const folder = relative.startsWith('..') ? undefined : await this.#localFolder(container);
      const local = folder && join(folder, ...relative.split('/'));
      if (!local || !existsSync(local))
        throw new UserError(`No folder of this window has a file that goes to “${path}” in the sandbox.`);
      await compare(uri, vscode.Uri.file(local));
    });
  }

  /** `modal.compareWithSandbox`: a file of this machine beside what the folder's sandbox has of it. */
  compareWithSandbox(uri = vscode.window.activeTextEditor?.document.uri): Promise<void> {
    return shown(async () => {
      if (!uri) throw new UserError('No file is open. Open one, then try again.');
      const { folder, path, name } = placeOf(uri);
      const sandbox = await this.#sessions.lastSandboxOf(folder);
      if (!sandbox) throw new UserError(`The folder of “${name}” has no sandbox in this window. Run something first.`);
      const place = { container: sandbox.sandboxId, path: posix.join(REMOTE_ROOT, path) };
      const remote = this.#systems.sandboxes.uri(place);
      await vscode.workspace.fs.stat(remote).then(undefined, (error: unknown) => {
        const isMissing = error instanceof vscode.FileSystemError && error.code === 'FileNotFound';
        throw isMissing
          ? new UserError(`The sandbox has no “${path}”. Sync the folder first (“Sync Folder to Sandbox Now”).`)
          : error;
      });
      await compare(remote, uri);
    });
  }

  /** `modal.downloadRemoteFile`: files and folders of a sandbox or volume, into a folder of this machine. */
  download(uri: vscode.Uri | undefined, selected: readonly vscode.Uri[] = []): Promise<void> {
    return shown(async () => {
      const chosen = uri && selected.length > 1 ? selected : [uri ?? vscode.window.activeTextEditor?.document.uri];
      const remote = chosen.filter((each) => each !== undefined);
      const [into] =
        (await vscode.window.showOpenDialog({
          title: 'Download To',
          openLabel: 'Download Here',
          canSelectFiles: false,
          canSelectFolders: true,
        })) ?? [];
      if (into) for (const each of remote) await this.downloadTo(each, into.fsPath);
    });
  }

  /** Downloads a file or folder into a folder; asks before it replaces anything. */
  async downloadTo(uri: vscode.Uri, into: string): Promise<void> {
    const system = uri.scheme === SANDBOX_SCHEME ? this.#systems.sandboxes : this.#systems.volumes;
    const { container, path } = system.place(uri);
    const name = posix.basename(path) || container;
    const target = join(into, name);
    if (existsSync(target)) {
      const question = `Replace “${name}” in “${into.split(sep).at(-1)}”?`;
      if ((await vscode.window.showWarningMessage(question, { modal: true }, 'Replace')) !== 'Replace') return;
    }
    const files = system.files(container);
    await transfer(
      `Downloading “${name}”`,
      (signal) => filesToDownload(files, path, target, signal),
      (pair, options) => download(files, pair, options),
    );
  }

  /** The folder that was synced to a sandbox: the one that its tags name, or the only one. */
  async #localFolder(sandboxId: string): Promise<string | undefined> {
    const paths = workspaceFolderPaths();
    const { client } = await this.#sessions.connection();
    const tags = await (await client.sandboxes.fromId(sandboxId)).getTags();
    return paths.find((path) => folderKey(path) === tags[Tag.folder]) ?? (paths.length === 1 ? paths[0] : undefined);
  }
}

/** The workspace of a sandbox, or the root of all its files where it has none. */
export async function rootOf(files: RemoteFiles): Promise<string> {
  try {
    return (await files.stat(REMOTE_ROOT)).type === 'directory' ? REMOTE_ROOT : '/';
  } catch (error) {
    if (error instanceof RemoteFileError && error.problem === 'notFound') return '/';
    throw error;
  }
}

async function compare(remote: vscode.Uri, local: vscode.Uri): Promise<void> {
  const title = `${posix.basename(local.path)} (sandbox ↔ this machine)`;
  await vscode.commands.executeCommand('vscode.diff', remote, local, title);
}
