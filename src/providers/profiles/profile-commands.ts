import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { addProfile, imageWithPackage, mountInProfile, placeInFile, setInProfile } from '../../profiles/edit.ts';
import { MODAL_FILE } from '../../profiles/modal-file.ts';
import { SETTINGS } from '../../profiles/profiles.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { chooseFolder } from '../common/folders.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import { type FolderProfiles, profileRoot } from './folder-profiles.ts';
import { askNewProfile } from './new-profile.ts';
import { type ProfileItem, profileItem } from './profile-items.ts';
import { strings } from './strings.ts';

export interface WarmCounts {
  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number;
}

export interface ChangePermissions {
  /** Makes a change to a profile for the user, who thereby allows what the change adds. */
  allowingChange<T>(folder: Folder, profileName: string, change: () => Promise<T>): Promise<T>;
}

/** The commands on profiles. Errors are shown. */
export class ProfileCommands {
  readonly #profiles: FolderProfiles;
  readonly #sessions: Sessions;
  readonly #warm: WarmCounts;
  readonly #permissions: ChangePermissions;

  constructor(profiles: FolderProfiles, sessions: Sessions, warm: WarmCounts, permissions: ChangePermissions) {
    this.#permissions = permissions;
    this.#profiles = profiles;
    this.#sessions = sessions;
    this.#warm = warm;
  }

  /** `modal.chooseProfile`: sets the folder's current profile. Resolves with its name; undefined if the user cancels. */
  choose(uri?: vscode.Uri): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder(uri);
      const profiles = await this.#profiles.of(folder);
      const current = await this.#profiles.current(folder);
      const running = this.#sessions.profilesOf(folder);
      // The current profile comes first, so that it is selected.
      const names = [current, ...profiles.names.filter((name) => name !== current)];
      const items: ProfileItem[] = names.map((name) =>
        profileItem(name, profiles, {
          current,
          running,
          warm: this.#warm.count(folder, name),
          prices: this.#sessions.prices,
        }),
      );
      const picked = await window.showQuickPick(
        [
          ...items,
          { label: '', kind: vscode.QuickPickItemKind.Separator },
          { label: [{ icon: 'add' }, strings.newProfile()] },
        ],
        {
          title: strings.chooseTitle(),
          placeHolder: strings.choosePlaceholder(folder.name),
          matchOnDetail: true,
        },
      );
      if (!picked) return undefined;
      if (picked.profile === undefined) return this.#create(folder);
      await this.#profiles.choose(folder, picked.profile);
      return picked.profile;
    });
  }

  /** `modal.newProfile`: adds a profile to the folder's modal.json and makes it the current one. Resolves with its name. */
  create(): Promise<string | undefined> {
    return shown(async () => this.#create(await chooseFolder()));
  }

  /**
   * `modal.openProfile`: opens the definition of a profile, or of one of its keys. Defaults to the current profile of the
   * folder. The built-in profile has no definition, so a new profile is offered instead.
   */
  open(uri?: vscode.Uri, profile?: string, key?: string): Promise<void> {
    return shown(async () => {
      const folder = await chooseFolder(uri);
      const profiles = await this.#profiles.of(folder);
      const name = profile ?? (await this.#profiles.current(folder));
      const source = profiles.sourceOf(name);
      if (source === SETTINGS) {
        const revealSetting = { key: 'modal.profiles' };
        await vscode.commands.executeCommand('workbench.action.openSettingsJson', { revealSetting });
      } else if (source === MODAL_FILE) {
        const document = await vscode.workspace.openTextDocument(join(profileRoot(folder), MODAL_FILE));
        const { offset, length } = placeInFile(document.getText(), name, key) ?? { offset: 0, length: 0 };
        const selection = new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
        await vscode.window.showTextDocument(document, { selection });
      } else {
        await this.#create(folder);
      }
    });
  }

  /** `modal.replaceSandbox`: stops the folder's sandbox, so that the next run starts a new one. */
  replace(folder?: Folder, profile?: string): Promise<void> {
    return shown(async () => {
      const target = folder ?? (await chooseFolder());
      const name = profile ?? (await this.#profiles.current(target));
      const isStopped = await this.#sessions.startAfresh(target, name);
      void window.showInformationMessage(isStopped ? strings.stoppingSandbox(name) : strings.noSandbox(name));
    });
  }

  /** Offers to replace the sandboxes that were started before their profile changed. */
  async offerReplacement(): Promise<void> {
    for (const { folder, profile } of await this.#sessions.outdated()) {
      const action = strings.replace();
      void window.showInformationMessage(strings.outdated(profile), action).then((pressed) => {
        if (pressed === action) void this.replace(folder, profile);
      });
    }
  }

  /** Sets a key of a profile, in the settings or in the folder's modal.json, wherever it is defined. */
  async set(folder: Folder, name: string, key: 'ssh' | 'warm' | 'image', value: unknown): Promise<void> {
    const isInSettings = (await this.#profiles.of(folder)).sourceOf(name) === SETTINGS;
    await this.#permissions.allowingChange<unknown>(folder, name, () =>
      isInSettings
        ? setInSettings(name, key, value)
        : this.#edit(folder, (text) => setInProfile(text, name, key, value)),
    );
  }

  /** Adds a Python package to the image of a profile. */
  async addPackage(folder: Folder, profileName: string, name: string): Promise<void> {
    const { profile } = await this.#sessions.profile(folder, profileName);
    await this.set(folder, profileName, 'image', imageWithPackage(profile.image, name));
  }

  /** `modal.mountInProfile`: adds a volume to the folder's current profile. Resolves with the mount path. */
  mount(volume: string): Promise<string | undefined> {
    return shown(async () => {
      const folder = await chooseFolder();
      const name = await this.#profiles.current(folder);
      if ((await this.#profiles.of(folder)).sourceOf(name) === SETTINGS) {
        const setting = `"volumes": { "/mnt/${volume}": "${volume}" }`;
        throw new UserError(strings.mountInSettings(name, setting));
      }
      const path = await window.showInputBox({
        title: strings.mountTitle(volume, name),
        prompt: strings.mountPrompt(),
        value: `/mnt/${volume}`,
        validateInput: (text) => (/^\/[^/]/.test(text) ? undefined : strings.mountPathProblem()),
      });
      if (!path) return undefined;
      const file = await this.#permissions.allowingChange(folder, name, () =>
        this.#edit(folder, (text) => mountInProfile(text, name, path, volume)),
      );
      await vscode.window.showTextDocument(vscode.Uri.file(file), { preserveFocus: true });
      return path;
    });
  }

  /** Changes the folder's modal.json, and creates it if needed. Resolves with its path. */
  async #edit(folder: Folder, change: (text: string) => string): Promise<string> {
    const file = join(profileRoot(folder), MODAL_FILE);
    const before = existsSync(file) ? await readFile(file, 'utf8') : '';
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, change(before));
    return file;
  }

  async #create(folder: Folder): Promise<string | undefined> {
    const { names } = await this.#profiles.of(folder);
    const created = await askNewProfile(profileRoot(folder), names, this.#sessions.prices);
    if (!created) return undefined;
    const { name, keys } = created;
    const file = await this.#edit(folder, (text) => addProfile(text, name, keys));
    await this.#profiles.choose(folder, name);
    const document = await vscode.workspace.openTextDocument(file);
    const position = document.positionAt(document.getText().indexOf(JSON.stringify(name)));
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(position, position) });
    return name;
  }
}

/** Changes the innermost settings that define the profile, since VS Code merges the profiles of all scopes. */
async function setInSettings(name: string, key: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration('modal');
  const { workspaceValue, globalValue } = settings.inspect<Record<string, object>>('profiles') ?? {};
  const [profiles, target] = workspaceValue?.[name]
    ? [workspaceValue, vscode.ConfigurationTarget.Workspace]
    : [globalValue, vscode.ConfigurationTarget.Global];
  await settings.update('profiles', { ...profiles, [name]: { ...profiles?.[name], [key]: value } }, target);
}
