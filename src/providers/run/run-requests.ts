import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, posix } from 'node:path';
import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import { isInFolder } from '../../base/inside-folder.ts';
import { NO_PROJECTS, type Projects, projectsOf } from '../../run/projects.ts';
import { COPIES_ROOT, fileRequest, type RunRequest, runRequest } from '../../run/request.ts';
import { extensionOf, fileNameFor, pythonPrograms, type Runner, runnerOf } from '../../run/runners.ts';
import type { Interpreter } from '../../run/selection/interpreters.ts';
import { commandOf } from '../../run/targets/command.ts';
import type { Target } from '../../run/targets/target.ts';
import {
  type CommandToRun,
  mapValues,
  parseTask,
  requestForCommand,
  requestForTask,
  requireNoToken,
  type TaskPlace,
} from '../../run/task-definition.ts';
import { remotePaths } from '../../run/tasks/paths.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import { parentOf } from '../../sync/index/entries.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { looksLikeCredential } from '../../sync/rules/builtin.ts';
import {
  diskFolderOf,
  diskFolders,
  homeOfLoose,
  isLoose,
  placeOf,
  requireFolder,
  requireTrust,
  syncedFolder,
} from '../common/folders.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** A task, as its files describe it. */
export interface TaskSource {
  readonly name: string;
  /** The environment variables of this computer whose values are part of the definition. */
  readonly reads: readonly string[];
}

/** The user's answers about tasks. */
export interface TaskPermissions {
  /** Asks about the variables that a task of a folder reads. Throws `UserError` if the user doesn't allow them. */
  requireTask(folder: Folder, task: TaskSource): Promise<void>;
}

/** The sync rules, as runs need them. */
export interface RunSyncRules {
  /** Throws `UserError` for a file that isn't synced, unless the user includes it. */
  requireSynced(uri: vscode.Uri): Promise<void>;
  /** Throws `UserError` for a file whose content is never sent in any way. */
  requireNoCredential(uri: vscode.Uri): Promise<void>;
}

/**
 * Turns files, targets, selections, and tasks into run requests. Saves unsaved files first, because runs read the disk. All
 * methods throw `UserError` for what can't be run.
 */
export class RunRequests {
  readonly #rules: RunSyncRules;
  readonly #permissions: TaskPermissions;
  /** Files from outside the workspace folders, by the paths of their copies in sandboxes. */
  readonly #originals = new Map<string, vscode.Uri>();

  constructor(rules: RunSyncRules, permissions: TaskPermissions) {
    this.#rules = rules;
    this.#permissions = permissions;
  }

  /** Builds the request for a whole file. */
  async forFile(uri: vscode.Uri, args: readonly string[] = []): Promise<RunRequest> {
    if (isLoose(uri)) return this.#forCopy(uri, args);
    const { folder, path, name } = placeOf(uri);
    const document = await openDocument(uri, name);
    const runner = await runnerFor(document, name, projectsOf(folder.path, path));
    await saveAll();
    await this.#rules.requireSynced(uri);
    return fileRequest(folder, path, runner, args);
  }

  /**
   * Builds the request for a file that is outside the folders or unsaved: runs a copy in the first folder's sandbox.
   */
  async #forCopy(uri: vscode.Uri, args: readonly string[]): Promise<RunRequest> {
    const { folder, sync } = homeOfLoose();
    const name = posix.basename(uri.path);
    refuseCredential(uri);
    const document = await openDocument(uri, name);
    const { programs } = await runnerFor(document, name, NO_PROJECTS);
    await saveAll();
    const folderOfCopy = `${COPIES_ROOT}/${folderKey(uri.toString())}`;
    const path = `${folderOfCopy}/${fileNameFor(name, document.languageId)}`;
    this.#originals.set(path, uri);
    const reason = document.isUntitled ? strings.copyOfUnsaved(name) : strings.copyOfOutsideFile(name);
    // A file runs with its own bytes, whatever its encoding.
    const content = document.isUntitled ? Buffer.from(document.getText()) : await readFile(uri.fsPath);
    const copy = { path, content, reason };
    const cwd = sync ? '' : folderOfCopy;
    return runRequest({ folder, label: name, programs, args: [path, ...args], cwd, copy, sync });
  }

  /** Returns the local file that a copy in a sandbox was made from. */
  originalOf(copy: string): vscode.Uri | undefined {
    return this.#originals.get(copy);
  }

  /** Builds the request for the persistent process that runs a document's selections. */
  async forSelection(document: vscode.TextDocument, interpreter: Interpreter): Promise<SelectionRequest> {
    const { uri } = document;
    const loose = isLoose(uri);
    const place = loose ? undefined : placeOf(uri);
    const { folder, sync } = place ? { folder: place.folder, sync: true } : homeOfLoose();
    if (place) await this.#rules.requireNoCredential(uri);
    if (!place || !isInFolder(place.folder.path, uri.fsPath)) refuseCredential(uri);
    await saveAll();
    const projects = projectsOf(folder.path, place?.path ?? '');
    const programs = interpreter.programs(readSettings(uri).runners, projects);
    return {
      request: runRequest({
        folder,
        label: strings.selections(interpreter.name),
        programs,
        cwd: sync ? '' : '/',
        sync,
      }),
      file: place ? `${REMOTE_ROOT}/${place.path}` : posix.basename(uri.path),
    };
  }

  /** Builds the request for a part of a file, such as a script in package.json. */
  async forTarget(uri: vscode.Uri, target: Target): Promise<RunRequest> {
    const { folder, path, name } = placeOf(uri);
    const command = commandOf(target, name, projectsOf(folder.path, path));
    if (!command) return this.forFile(uri);
    await saveAll();
    await this.#rules.requireSynced(uri);
    const cwd = parentOf(path);
    return runRequest({ folder, ...command, cwd });
  }

  /** Builds the request for a Python module, which is found from the folder. */
  async forModule(workspaceFolder: vscode.WorkspaceFolder | undefined, module: string): Promise<RunRequest> {
    const folder = syncedFolder(requireFolder(workspaceFolder));
    requireTrust();
    await saveAll();
    const programs = pythonPrograms(projectsOf(folder.path, ''));
    return runRequest({ folder, label: module, programs, args: ['-m', module] });
  }

  /** Builds the request for a command line in the folder. */
  async forCommandIn(
    workspaceFolder: vscode.WorkspaceFolder | undefined,
    argv: readonly [string, ...string[]],
  ): Promise<RunRequest> {
    const folder = syncedFolder(requireFolder(workspaceFolder));
    requireTrust();
    await saveAll();
    return runRequest({ folder, label: argv.join(' '), programs: [{ argv }] });
  }

  /** Builds the request for a task's definition, whose variables VS Code has resolved. */
  async forTask(
    definition: vscode.TaskDefinition,
    workspaceFolder: vscode.WorkspaceFolder | undefined,
    source: TaskSource,
  ): Promise<RunRequest> {
    requireNoToken(definition);
    const task = parseTask(definition);
    if (typeof task === 'string') throw new UserError(task);
    await this.#requireAllowed(workspaceFolder, source);
    const { file, args, env, profile, sync, pull, pty, detach } = task;
    const again = { kind: 'task', name: source.name } as const;
    if (file) {
      const uri = vscode.Uri.file(file);
      const { folder: home } = isLoose(uri) ? homeOfLoose() : placeOf(uri);
      const remote = remotePaths(home.path, diskPaths());
      const request = await this.forFile(uri, args.map(remote));
      return {
        ...request,
        profile,
        env: mapValues(env, remote),
        sync,
        pull: pull.map(remote),
        pty: pty && !detach,
        detach,
        again,
      };
    }
    const folder = requireFolder(workspaceFolder);
    requireTrust();
    await saveAll();
    const place = { folder: syncedFolder(folder), workspaceFolders: diskPaths() };
    return { ...requestForTask(task, place, source.name), again };
  }

  /** Builds the request for the command line of a workspace's own task. */
  async forCommand(
    command: CommandToRun,
    place: TaskPlace,
    workspaceFolder: vscode.WorkspaceFolder,
    source: TaskSource,
  ): Promise<RunRequest> {
    requireNoToken(command.command);
    requireTrust();
    await this.#requireAllowed(workspaceFolder, source);
    await saveAll();
    const request = requestForCommand(command, place, workspaceFolder.uri.fsPath, source.name);
    return { ...request, again: { kind: 'task', name: source.name } };
  }

  async #requireAllowed(workspaceFolder: vscode.WorkspaceFolder | undefined, source: TaskSource): Promise<void> {
    if (source.reads.length > 0)
      await this.#permissions.requireTask(syncedFolder(requireFolder(workspaceFolder)), source);
  }
}

/**
 * Returns where a task of a workspace folder runs: in the sandbox of the folder that its working directory is in.
 * Throws `UserError`.
 */
export function taskPlace(workspaceFolder: vscode.WorkspaceFolder, cwd: string | undefined): TaskPlace {
  const other = cwd && isAbsolute(cwd) ? diskFolderOf(vscode.Uri.file(cwd)) : undefined;
  return { folder: syncedFolder(other ?? workspaceFolder), workspaceFolders: diskPaths() };
}

function diskPaths(): string[] {
  return diskFolders().map(({ uri }) => uri.fsPath);
}

/** The process that runs a selection, and the name of its file in the sandbox. */
export interface SelectionRequest {
  readonly request: RunRequest;
  readonly file: string;
}

function refuseCredential({ path, scheme, fsPath }: vscode.Uri): void {
  // A link is judged by the file that it leads to, too.
  const real = scheme === 'file' && existsSync(fsPath) ? vscode.Uri.file(realpathSync(fsPath)).path : path;
  if (!looksLikeCredential(path) && !looksLikeCredential(real)) return;
  throw new UserError(strings.credentialNotSent(posix.basename(path)), { actions: ['explainSync'] });
}

/** Returns how the file is run. For an unknown kind of file, asks for the command and saves it in the settings. */
async function runnerFor(document: vscode.TextDocument, name: string, projects: Projects): Promise<Runner> {
  const { runners } = readSettings(document.uri);
  const known = runnerOf({ name, languageId: document.languageId, text: document.getText(), projects }, runners);
  if (known) return known;
  if (extensionOf(name) === '.ipynb') throw new UserError(strings.noNotebooks(name));
  const key = extensionOf(name) || document.languageId;
  const answer = await window.showInputBox({
    title: strings.runnerTitle(name),
    prompt: strings.runnerPrompt(key),
    ignoreFocusOut: true,
  });
  const [program, ...args] = answer?.trim().split(/\s+/).filter(Boolean) ?? [];
  if (!program) throw new DeclinedError(strings.noRunner(name, key));
  const configuration = vscode.workspace.getConfiguration('modal');
  // Not those of the folder, which mustn't apply to other folders.
  const own = configuration.inspect<typeof runners>('runners')?.globalValue;
  await configuration.update('runners', { ...own, [key]: [program, ...args] }, vscode.ConfigurationTarget.Global);
  return { programs: [{ argv: [program, ...args] }] };
}

async function saveAll(): Promise<void> {
  // VS Code may fail to save a file that has just changed on disk as well, and saves it on the second try.
  if ((await vscode.workspace.saveAll(false)) || (await vscode.workspace.saveAll(false))) return;
  throw new UserError(strings.unsavedFiles());
}

async function openDocument(uri: vscode.Uri, name: string): Promise<vscode.TextDocument> {
  try {
    return await vscode.workspace.openTextDocument(uri);
  } catch {
    throw new UserError(strings.notText(name));
  }
}
