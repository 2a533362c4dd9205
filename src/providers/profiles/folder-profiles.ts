import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { MODAL_FILE, type ModalFile, parseModalFile } from '../../profiles/modal-file.ts';
import { type NamedProfile, Profiles } from '../../profiles/profiles.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';

/** Which profiles the folders of this window have, and which one each uses. */
export class FolderProfiles implements vscode.Disposable {
  readonly #chosen: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #watcher: vscode.FileSystemWatcher;
  readonly #subscriptions: vscode.Disposable[];
  /** The names last seen, by folder path, for what cannot wait. */
  readonly #names = new Map<string, string>();
  /** Profiles or the choice of one have changed. */
  readonly onDidChange = this.#changed.event;

  constructor(chosen: vscode.Memento) {
    this.#chosen = chosen;
    this.#watcher = vscode.workspace.createFileSystemWatcher(`**/${MODAL_FILE}`);
    const changed = () => this.#changed.fire();
    this.#subscriptions = [
      this.#watcher,
      this.#watcher.onDidChange(changed),
      this.#watcher.onDidCreate(changed),
      this.#watcher.onDidDelete(changed),
      onDidChangeSettings(changed, 'profiles'),
      this.onDidChange(() => this.#names.clear()),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
    this.#changed.dispose();
  }

  /** The profile of a name, or the folder's current one. Throws `UserError` when it cannot be used. */
  async get(folder: Folder, name?: string): Promise<NamedProfile> {
    const profiles = await this.of(folder);
    return profiles.get(name ?? this.#current(profiles, folder));
  }

  /** All profiles of a folder. A modal.json that cannot be read is one without profiles. */
  async of(folder: Folder): Promise<Profiles> {
    const root = profileRoot(folder);
    return new Profiles(readSettings(vscode.Uri.file(root)).profiles, await readModalFile(root));
  }

  /** The name of the folder's current profile. */
  async current(folder: Folder): Promise<string> {
    const known = this.#names.get(folder.path);
    if (known !== undefined) return known;
    const name = this.#current(await this.of(folder), folder);
    this.#names.set(folder.path, name);
    return name;
  }

  /** Uses another profile from now on. */
  async choose(folder: Folder, name: string): Promise<void> {
    await this.#chosen.update(chosenKey(folder), name);
    this.#changed.fire();
  }

  #current(profiles: Profiles, folder: Folder): string {
    return profiles.current(this.#chosen.get<string>(chosenKey(folder)));
  }
}

/** Where the folder's modal.json and the files that its profiles name are: the workspace folder, whatever of it is synced. */
export function profileRoot({ path }: Folder): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path))?.uri.fsPath ?? path;
}

async function readModalFile(root: string): Promise<ModalFile | undefined> {
  try {
    return parseModalFile(await readFile(join(root, MODAL_FILE), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return undefined;
    throw new UserError(`${MODAL_FILE} cannot be read. Check its permissions, then try again.`, { cause: error });
  }
}

function chosenKey({ path }: Folder): string {
  return `profile:${path}`;
}
