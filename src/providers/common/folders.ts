import { tmpdir } from 'node:os';
import { join, normalize, posix, sep } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { readSettings } from './settings.ts';

/** A file of the workspace and its place in the folder that is synced. */
export interface Place {
  readonly folder: Folder;
  readonly workspaceFolder: vscode.WorkspaceFolder;
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** The file's name, for people. */
  readonly name: string;
}

/** Throws `UserError` in a workspace that the user has not said to trust. */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new UserError(
    'This workspace is not trusted, so nothing of it is synced or run. Trust it first (“Manage Workspace Trust”).',
  );
}

/** The workspace's folders that lie on this machine's disk: those of sandboxes and other places are not synced. */
export function diskFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

/** The folder on this machine's disk that a file is in. */
export function diskFolderOf(uri: vscode.Uri | undefined): vscode.WorkspaceFolder | undefined {
  return uri?.scheme === 'file' ? vscode.workspace.getWorkspaceFolder(uri) : undefined;
}

/** What is synced of a workspace folder: all of it, or the sub-folder in `modal.sync.root`. Throws `UserError`. */
export function syncedFolder({ uri, name }: vscode.WorkspaceFolder): Folder {
  if (uri.scheme !== 'file') {
    throw new UserError(
      `“${name}” is not a folder of this machine’s disk, so it cannot be synced. Choose another one.`,
    );
  }
  const { root } = readSettings(uri).sync;
  const path = join(uri.fsPath, normalize(root));
  if (!`${path}${sep}`.startsWith(`${uri.fsPath}${sep}`)) {
    throw new UserError(
      `The setting modal.sync.root (“${root}”) leads out of the folder. Name a folder inside of it, then run again.`,
    );
  }
  return { name, path: path.endsWith(sep) ? path.slice(0, -1) : path };
}

/** The folder that a command means: the file's or the active editor's, the only one, or the one the user picks. */
export async function chooseFolder(uri?: vscode.Uri): Promise<Folder> {
  requireTrust();
  const active = uri ?? vscode.window.activeTextEditor?.document.uri;
  const folders = diskFolders();
  const folder =
    diskFolderOf(active) ?? (folders.length > 1 ? await vscode.window.showWorkspaceFolderPick() : folders[0]);
  if (!folder) throw new UserError('No folder is open. Open one (“File: Open Folder…”), then try again.');
  return syncedFolder(folder);
}

/** What runs without a folder has a sandbox of its own; nothing is synced to it. */
const NO_FOLDER: Folder = { name: 'no folder', path: join(tmpdir(), 'modal-no-folder') };

/** Whether a file lies in no folder of the workspace, or is not saved yet. */
export function isLoose(uri: vscode.Uri): boolean {
  return uri.scheme === 'untitled' || (uri.scheme === 'file' && !vscode.workspace.getWorkspaceFolder(uri));
}

/** The folder in whose sandbox the code of a loose file runs: the workspace's first one, where there is one. */
export function homeOfLoose(): { folder: Folder; sync: boolean } {
  requireTrust();
  const [first] = diskFolders();
  return first ? { folder: syncedFolder(first), sync: true } : { folder: NO_FOLDER, sync: false };
}

/** Where a file lies in the workspace. Throws `UserError` for a file that cannot be synced. */
export function placeOf(uri: vscode.Uri): Place {
  requireTrust();
  const name = posix.basename(uri.path);
  if (uri.scheme === 'untitled') {
    throw new UserError(`“${name}” is not saved yet. Save it in a folder of the workspace, then run again.`);
  }
  if (uri.scheme !== 'file') {
    throw new UserError(
      `“${name}” is not on this machine’s disk (${uri.scheme}:), so it cannot be synced. Save a copy in the workspace, then run again.`,
    );
  }
  const workspaceFolder = vscode.workspace.getWorkspaceFolder(uri);
  if (!workspaceFolder) {
    throw new UserError(
      `“${name}” is in no folder of the workspace. Open its folder (“File: Open Folder…”), then run again.`,
    );
  }
  const folder = syncedFolder(workspaceFolder);
  if (uri.fsPath !== folder.path && !uri.fsPath.startsWith(folder.path + sep)) {
    throw new UserError(
      `“${name}” is outside of what is synced (the setting modal.sync.root). Change the setting, then run again.`,
    );
  }
  const path = uri.fsPath.slice(folder.path.length).split(sep).filter(Boolean).join('/');
  return { folder, workspaceFolder, path, name };
}

/** The folders of this window, as they are synced; without those whose settings cannot be used. */
export function workspaceFolders(): Folder[] {
  return diskFolders().flatMap((folder) => {
    try {
      return [syncedFolder(folder)];
    } catch {
      return [];
    }
  });
}

/** Files of a folder with changes that are not saved, relative to it. */
export function unsavedPaths(folder: Folder): string[] {
  return vscode.workspace.textDocuments
    .filter(({ isDirty, uri }) => isDirty && uri.scheme === 'file' && uri.fsPath.startsWith(folder.path + sep))
    .map(({ uri }) => uri.fsPath.slice(folder.path.length + 1).replaceAll('\\', '/'));
}

export function workspaceFolderPaths(): string[] {
  return workspaceFolders().map(({ path }) => path);
}
