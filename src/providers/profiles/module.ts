import * as vscode from 'vscode';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { registerCommands } from '../common/commands.ts';
import type { FolderProfiles } from './folder-profiles.ts';
import { type ChangePermissions, ProfileCommands, type WarmCounts } from './profile-commands.ts';
import { ProfileProblems } from './profile-problems.ts';

export interface ProfilesModuleDependencies {
  readonly profiles: FolderProfiles;
  readonly sessions: Sessions;
  readonly warm: WarmCounts;
  readonly permissions: ChangePermissions;
}

export interface ProfilesModule extends vscode.Disposable {
  /** Adds `warm` to a profile of a folder. */
  keepWarm(folder: Folder, profileName: string): Promise<void>;
  /** Adds `ssh` to a profile of a folder. */
  addSsh(folder: Folder, profileName: string): Promise<void>;
  /** Adds a Python package to the image of a profile of a folder. */
  addPackage(folder: Folder, profileName: string, name: string): Promise<void>;
  /** Adds a volume to the current profile. Resolves with its mount path; undefined if nothing was changed. */
  mount(volumeName: string): Promise<string | undefined>;
}

/** The profile commands, and the problems in `modal.json`. */
export function profilesModule({ profiles, sessions, warm, permissions }: ProfilesModuleDependencies): ProfilesModule {
  const actions = new ProfileCommands(profiles, sessions, warm, permissions);
  const disposable = vscode.Disposable.from(
    new ProfileProblems(),
    profiles.onDidChange(() => void actions.offerReplacement()),
    registerCommands({
      'modal.chooseProfile': (uri?: vscode.Uri) => actions.choose(uri),
      'modal.newProfile': () => actions.create(),
      'modal.openProfile': (uri?: vscode.Uri, name?: string, key?: string) => actions.open(uri, name, key),
      'modal.replaceSandbox': () => actions.replace(),
    }),
  );
  return Object.assign(disposable, {
    keepWarm: (folder: Folder, profileName: string) => actions.set(folder, profileName, 'warm', { sandboxes: 1 }),
    addSsh: (folder: Folder, profileName: string) => actions.set(folder, profileName, 'ssh', true),
    addPackage: (folder: Folder, profileName: string, name: string) => actions.addPackage(folder, profileName, name),
    mount: (volumeName: string) => actions.mount(volumeName),
  });
}
