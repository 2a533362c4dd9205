import { existsSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../modal/errors.ts';
import { REMOTE_ROOT, type RunRequest } from '../run/request.ts';
import { extensionOf, type Program, runnerOf } from '../run/runners.ts';
import { commandOf, PACKAGE_MANAGER_FILES } from '../run/targets/command.ts';
import type { Target } from '../run/targets/target.ts';
import type { Folder } from '../session/sessions.ts';
import { readSettings } from './settings.ts';

/**
 * What running a file means: its folder, its runner, its place in the folder. Saves what is unsaved first, since a run
 * sees the disk. Throws `UserError` when the file cannot be run.
 */
export async function requestForFile(uri: vscode.Uri, args: readonly string[] = []): Promise<RunRequest> {
  const { folder, file, name } = placeOf(uri);
  const document = await openDocument(uri, name);
  const programs = await programsFor(document, name, folder);
  await saveAll();
  return { folder, label: file, programs, args: [`${REMOTE_ROOT}/${file}`, ...args], cwd: '' };
}

/** What running a part of a file means, such as a script of a package.json. Throws `UserError` when it cannot be run. */
export async function requestForTarget(uri: vscode.Uri, target: Target): Promise<RunRequest> {
  const { folder, file, name } = placeOf(uri);
  const command = commandOf(target, name, siblingsOf(uri));
  if (!command) return requestForFile(uri);
  await saveAll();
  const cwd = posix.dirname(file) === '.' ? '' : posix.dirname(file);
  return { folder, ...command, cwd };
}

/** The file's runner; a file that nobody knows how to run gets a question, whose answer is kept in the settings. */
async function programsFor(document: vscode.TextDocument, name: string, folder: Folder): Promise<readonly Program[]> {
  const { runners } = readSettings(document.uri);
  const file = {
    name,
    languageId: document.languageId,
    firstLine: document.lineAt(0).text,
    isUvProject: existsSync(join(folder.path, 'uv.lock')),
  };
  const known = runnerOf(file, runners);
  if (known) return known;
  const key = extensionOf(name) || document.languageId;
  const answer = await vscode.window.showInputBox({
    title: `Run “${name}” in Sandbox`,
    prompt: `The command that runs ${key} files, such as “node”; the file’s path comes after it. Kept in modal.runners.`,
    ignoreFocusOut: true,
  });
  const [program, ...args] = answer?.trim().split(/\s+/).filter(Boolean) ?? [];
  if (!program) {
    throw new UserError(
      `Nothing says how to run “${name}”. Name a command for ${key} in the setting modal.runners, then run again.`,
    );
  }
  const configuration = vscode.workspace.getConfiguration('modal');
  await configuration.update('runners', { ...runners, [key]: [program, ...args] }, vscode.ConfigurationTarget.Global);
  return [{ argv: [program, ...args] }];
}

/** Where a file lies in the workspace. */
function placeOf(uri: vscode.Uri) {
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
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  if (!folder) {
    throw new UserError(
      `“${name}” is in no folder of the workspace. Open its folder (“File: Open Folder…”), then run again.`,
    );
  }
  const file = uri.fsPath.slice(folder.uri.fsPath.length).split(sep).filter(Boolean).join('/');
  return { name, file, folder: { name: folder.name, path: folder.uri.fsPath } };
}

/** Files beside a file that tell its package manager. */
export function siblingsOf(uri: vscode.Uri): string[] {
  return PACKAGE_MANAGER_FILES.filter((name) => existsSync(vscode.Uri.joinPath(uri, '..', name).fsPath));
}

/** Everything that must hold before any run. Throws `UserError` when it does not. */
export async function readyToRun(): Promise<void> {
  requireTrust();
  await saveAll();
}

/** Throws `UserError` in a workspace that the user has not said to trust. */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new UserError(
    'This workspace is not trusted, so nothing of it is synced or run. Trust it first (“Manage Workspace Trust”).',
  );
}

async function saveAll(): Promise<void> {
  if (await vscode.workspace.saveAll(false)) return;
  throw new UserError(
    'Some files could not be saved, so the sandbox would run an older state of them. Save them, then run again.',
  );
}

async function openDocument(uri: vscode.Uri, name: string): Promise<vscode.TextDocument> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    throw new UserError(`“${name}” cannot be opened as text. Choose a file that exists and is a program.`);
  }
}
