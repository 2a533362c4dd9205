import * as vscode from 'vscode';
import { MODAL_FILE } from '../../profiles/modal-file.ts';
import type { NamedProfile, Profiles } from '../../profiles/profiles.ts';
import { readProfiles } from '../../profiles/read.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { onDidChangeSettings, readSettings, workspaceValues } from '../common/settings.ts';

/** The profiles of this window's folders, and the current one of each. */
export class FolderProfiles implements vscode.Disposable {
  readonly #chosen: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #watcher: vscode.FileSystemWatcher;
  readonly #subscriptions: vscode.Disposable[];
  /** The names of the current profiles by folder path, so that code lenses don't read files each time. */
  readonly #names = new Map<string, string>();
  /** Fires when profiles, or the choice of one, have changed. */
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

  /** Returns the named profile, or the folder's current one. Throws `UserError` if it isn't valid. */
  async get(folder: Folder, name?: string): Promise<NamedProfile> {
    const profiles = await this.of(folder);
    const chosen = this.#chosenIn(folder);
    return name === undefined ? profiles.inUse(chosen) : profiles.requested(name, chosen);
  }

  /** Returns all profiles of a folder. Throws `UserError` if its modal.json can't be read. */
  async of(folder: Folder): Promise<Profiles> {
    const root = profileRoot(folder);
    const scope = vscode.Uri.file(root);
    const ofWorkspace = workspaceValues('profiles', scope).flatMap((value) => Object.keys(Object(value)));
    return readProfiles(root, { all: readSettings(scope).profiles, ofWorkspace });
  }

  /** Returns the name of the folder's current profile. */
  async current(folder: Folder): Promise<string> {
    const known = this.#names.get(folder.path);
    if (known !== undefined) return known;
    const name = this.#current(await this.of(folder), folder);
    this.#names.set(folder.path, name);
    return name;
  }

  /** Makes a profile the folder's current one. */
  async choose(folder: Folder, name: string): Promise<void> {
    await this.#chosen.update(chosenKey(folder), name);
    this.#changed.fire();
  }

  #current(profiles: Profiles, folder: Folder): string {
    return profiles.current(this.#chosenIn(folder));
  }

  #chosenIn(folder: Folder): string | undefined {
    return this.#chosen.get<string>(chosenKey(folder));
  }
}

/** The path of the workspace folder, which contains modal.json and the files that profiles name, whatever is synced. */
export function profileRoot({ path }: Folder): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path))?.uri.fsPath ?? path;
}

function chosenKey({ path }: Folder): string {
  return `profile:${path}`;
}
