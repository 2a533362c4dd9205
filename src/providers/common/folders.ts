import { posix, sep } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import type { LocalFolder } from '../../run/local-files.ts';
import { type Folder, syncedFolder as folderToSync, NO_FOLDER } from '../../sandboxes/folder.ts';
import { readSettings } from './settings.ts';
import { strings } from './strings.ts';

/** A workspace file and its path in the synced folder. */
export interface Place {
  readonly folder: Folder;
  readonly workspaceFolder: vscode.WorkspaceFolder;
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** The file's name, for messages. */
  readonly name: string;
}

/** Throws `UserError` if the workspace isn't trusted. */
export function requireTrust(): void {
  if (!vscode.workspace.isTrusted) throw new UserError(strings.notTrusted(), { actions: ['trustWorkspace'] });
}

/** The workspace folders on local disks. Others, such as those of sandboxes, aren't synced. */
export function diskFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
}

/** The local workspace folder that a file is in. */
export function diskFolderOf(uri: vscode.Uri | undefined): vscode.WorkspaceFolder | undefined {
  return uri?.scheme === 'file' ? vscode.workspace.getWorkspaceFolder(uri) : undefined;
}

/** The workspace folder that the user is working in: the active editor's, or the first one. */
export function activeFolder(): vscode.WorkspaceFolder | undefined {
  return diskFolderOf(vscode.window.activeTextEditor?.document.uri) ?? diskFolders()[0];
}

/** The workspace folder of a task's scope; the first one for a task of the whole workspace. */
export function folderOfScope(scope: vscode.Task['scope']): vscode.WorkspaceFolder | undefined {
  return typeof scope === 'object' ? scope : diskFolders()[0];
}

/** Returns the folder. Throws `UserError` if there is none. */
export function requireFolder(folder: vscode.WorkspaceFolder | undefined): vscode.WorkspaceFolder {
  if (!folder) throw new UserError(strings.noFolderOpen(), { actions: ['openFolder'] });
  return folder;
}

/** The part of a workspace folder that is synced: all of it, or the subfolder in `modal.sync.root`. Throws `UserError`. */
export function syncedFolder({ uri, name }: vscode.WorkspaceFolder): Folder {
  if (uri.scheme !== 'file') {
    throw new UserError(strings.folderNotLocal(name));
  }
  return folderToSync({ name, path: uri.fsPath }, readSettings(uri).sync.root);
}

/** The folder that a command applies to: the file's or the active editor's, the only one, or the one that the user picks. */
export async function chooseFolder(uri?: vscode.Uri): Promise<Folder> {
  requireTrust();
  const active = uri ?? vscode.window.activeTextEditor?.document.uri;
  const folders = diskFolders();
  const folder =
    diskFolderOf(active) ?? (folders.length > 1 ? await vscode.window.showWorkspaceFolderPick() : folders[0]);
  return syncedFolder(requireFolder(folder));
}

/** Returns true for a file outside the workspace folders and for one that hasn't been saved. */
export function isLoose(uri: vscode.Uri): boolean {
  return uri.scheme === 'untitled' || (uri.scheme === 'file' && !vscode.workspace.getWorkspaceFolder(uri));
}

/** The folder in whose sandbox a loose file runs: the first workspace folder, if there is one. */
export function homeOfLoose(): { folder: Folder; sync: boolean } {
  requireTrust();
  const [first] = diskFolders();
  return first ? { folder: syncedFolder(first), sync: true } : { folder: NO_FOLDER, sync: false };
}

/** Locates a file in the workspace. Throws `UserError` for a file that can't be synced. */
export function placeOf(uri: vscode.Uri): Place {
  requireTrust();
  const name = posix.basename(uri.path);
  if (uri.scheme === 'untitled') throw new UserError(strings.fileNotSaved(name));
  if (uri.scheme !== 'file') {
    throw new UserError(strings.fileNotLocal(name, uri.scheme));
  }
  const workspaceFolder = vscode.workspace.getWorkspaceFolder(uri);
  if (!workspaceFolder) throw new UserError(strings.fileNotInWorkspace(name), { actions: ['openFolder'] });
  const folder = syncedFolder(workspaceFolder);
  if (uri.fsPath !== folder.path && !uri.fsPath.startsWith(folder.path + sep)) {
    throw new UserError(strings.fileNotInSyncRoot(name));
  }
  const path = uri.fsPath.slice(folder.path.length).split(sep).filter(Boolean).join('/');
  return { folder, workspaceFolder, path, name };
}

/** The synced folders of this window, except those whose settings aren't valid. */
export function workspaceFolders(): Folder[] {
  return diskFolders().flatMap((folder) => {
    try {
      return [syncedFolder(folder)];
    } catch {
      return [];
    }
  });
}

/** Files of a folder with unsaved changes, relative to it. */
export function unsavedPaths(folder: Folder): string[] {
  return vscode.workspace.textDocuments
    .filter(({ isDirty, uri }) => isDirty && uri.scheme === 'file' && uri.fsPath.startsWith(folder.path + sep))
    .map(({ uri }) => uri.fsPath.slice(folder.path.length + 1).replaceAll('\\', '/'));
}

/** The workspace folders, for files that programs name, except those whose settings aren't valid. */
export function localFolders(): LocalFolder[] {
  return diskFolders().flatMap((folder) => {
    try {
      return [{ path: folder.uri.fsPath, synced: syncedFolder(folder).path }];
    } catch {
      return [];
    }
  });
}

export function workspaceFolderPaths(): string[] {
  return workspaceFolders().map(({ path }) => path);
}
