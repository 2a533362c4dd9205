import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import { COPIES_ROOT, type RunRequest, runRequest } from '../../run/request.ts';
import { extensionOf, fileNameFor, type ProgramCandidate, runnerOf } from '../../run/runners.ts';
import type { Interpreter } from '../../run/selection/interpreters.ts';
import { commandOf, PACKAGE_MANAGER_FILES } from '../../run/targets/command.ts';
import type { Target } from '../../run/targets/target.ts';
import { parseTask, requestForTask } from '../../run/task-definition.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { looksLikeCredential } from '../../sync/rules/builtin.ts';
import { homeOfLoose, isLoose, placeOf, requireTrust, syncedFolder } from '../common/folders.ts';
import { readSettings } from '../common/settings.ts';
import type { SyncRules } from '../sync/sync-rules.ts';

/**
 * Turns what the user points at into run requests. Saves what is unsaved first, since a run sees the disk. All methods
 * throw `UserError` when it cannot be run.
 */
export class RunRequests {
  readonly #rules: SyncRules;
  /** Files from outside of the folders, by the paths of their copies in sandboxes. */
  readonly #originals = new Map<string, vscode.Uri>();

  constructor(rules: SyncRules) {
    this.#rules = rules;
  }

  /** A file as a whole. */
  async forFile(uri: vscode.Uri, args: readonly string[] = []): Promise<RunRequest> {
    if (isLoose(uri)) return this.#forCopy(uri, args);
    const { folder, path, name } = placeOf(uri);
    const document = await openDocument(uri, name);
    const programs = await programsFor(document, name, folder);
    await saveAll();
    await this.#rules.requireSynced(uri);
    return runRequest({ folder, label: path, programs, args: [`${REMOTE_ROOT}/${path}`, ...args] });
  }

  /** A file outside of the folders, or one that is not saved yet: a copy of it, in the first folder's sandbox. */
  async #forCopy(uri: vscode.Uri, args: readonly string[]): Promise<RunRequest> {
    const { folder, sync } = homeOfLoose();
    const name = posix.basename(uri.path);
    refuseCredential(uri);
    const document = await openDocument(uri, name);
    const programs = await programsFor(document, name, folder);
    await saveAll();
    const folderOfCopy = `${COPIES_ROOT}/${folderKey(uri.toString())}`;
    const path = `${folderOfCopy}/${fileNameFor(name, document.languageId)}`;
    this.#originals.set(path, uri);
    const why = document.isUntitled ? 'is not saved' : 'is in no folder of the workspace';
    const reason = `“${name}” ${why}: a copy of it runs, without the files beside it`;
    const copy = { path, content: document.getText(), reason };
    const cwd = sync ? '' : folderOfCopy;
    return runRequest({ folder, label: name, programs, args: [path, ...args], cwd, copy, sync });
  }

  /** The file that a copy in a sandbox was made of. */
  originalOf(copy: string): vscode.Uri | undefined {
    return this.#originals.get(copy);
  }

  /** Code of a file for a kept process; a request without the arguments of that. */
  async forSelection(document: vscode.TextDocument, interpreter: Interpreter): Promise<SelectionRequest> {
    const { uri } = document;
    const loose = isLoose(uri);
    const place = loose ? undefined : placeOf(uri);
    const { folder, sync } = place ? { folder: place.folder, sync: true } : homeOfLoose();
    if (place) await this.#rules.requireNoCredential(uri);
    else refuseCredential(uri);
    await saveAll();
    const programs = interpreter.programs(readSettings(uri).runners, existsSync(join(folder.path, 'uv.lock')));
    return {
      request: runRequest({ folder, label: `${interpreter.name} selections`, programs, cwd: sync ? '' : '/', sync }),
      file: place ? `${REMOTE_ROOT}/${place.path}` : posix.basename(uri.path),
    };
  }

  /** A part of a file, such as a script of a package.json. */
  async forTarget(uri: vscode.Uri, target: Target): Promise<RunRequest> {
    const { folder, path, name } = placeOf(uri);
    const command = commandOf(target, name, siblingsOf(uri));
    if (!command) return this.forFile(uri);
    await saveAll();
    await this.#rules.requireSynced(uri);
    const cwd = posix.dirname(path) === '.' ? '' : posix.dirname(path);
    return runRequest({ folder, ...command, cwd });
  }

  /** A task's definition, whose variables VS Code has resolved. */
  async forTask(
    definition: vscode.TaskDefinition,
    workspaceFolder: vscode.WorkspaceFolder | undefined,
    name: string,
  ): Promise<RunRequest> {
    const task = parseTask(definition);
    if (typeof task === 'string') throw new UserError(task);
    const { file, args, env, profile, sync, pull, pty } = task;
    if (file) return { ...(await this.forFile(vscode.Uri.file(file), args)), profile, env, sync, pull, pty };
    if (!workspaceFolder) throw new UserError('No folder is open. Open one (“File: Open Folder…”), then run again.');
    requireTrust();
    await saveAll();
    return requestForTask(task, syncedFolder(workspaceFolder), name);
  }
}

/** What a selection needs: the process that runs it, and what the sandbox calls its file. */
export interface SelectionRequest {
  readonly request: RunRequest;
  readonly file: string;
}

function refuseCredential({ path }: vscode.Uri): void {
  if (!looksLikeCredential(path)) return;
  throw new UserError(
    `“${posix.basename(path)}” looks like a credential, so it is not sent. Save it under another name if it is none.`,
  );
}

/** The file's runner; a file that nobody knows how to run gets a question, whose answer is kept in the settings. */
async function programsFor(
  document: vscode.TextDocument,
  name: string,
  folder: Folder,
): Promise<readonly ProgramCandidate[]> {
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
    throw new DeclinedError(
      `Nothing says how to run “${name}”. Name a command for ${key} in the setting modal.runners, then run again.`,
    );
  }
  const configuration = vscode.workspace.getConfiguration('modal');
  await configuration.update('runners', { ...runners, [key]: [program, ...args] }, vscode.ConfigurationTarget.Global);
  return [{ argv: [program, ...args] }];
}

/** Files beside a file that tell its package manager. */
export function siblingsOf(uri: vscode.Uri): string[] {
  return PACKAGE_MANAGER_FILES.filter((name) => existsSync(vscode.Uri.joinPath(uri, '..', name).fsPath));
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
