import * as vscode from 'vscode';
import { parseSettings, type Settings, SettingsSchema } from '../../service/settings-schema.ts';

/** Reads the settings for a file or for the window. Throws `SettingsError` if one isn't valid. */
export function readSettings(scope?: vscode.Uri): Settings {
  return parseSettings({ ...vscode.workspace.getConfiguration('modal', scope) });
}

/** Returns what the settings of the folder and the workspace set, which come with their files and not from the user. */
export function workspaceValues(name: string, scope: vscode.Uri): unknown[] {
  const { workspaceValue, workspaceFolderValue } =
    vscode.workspace.getConfiguration('modal', scope).inspect(name) ?? {};
  return [workspaceValue, workspaceFolderValue].filter((value) => value !== undefined);
}

/** Returns the patterns of `modal.sync.include` in the user's own settings, whatever the folder and the workspace say. */
export function userInclude(path: string): string[] {
  const value = vscode.workspace.getConfiguration('modal', vscode.Uri.file(path)).inspect('sync.include')?.globalValue;
  return SettingsSchema.shape.sync.unwrap().shape.include.catch([]).parse(value);
}

/** Calls a listener when one of the named settings under `modal.` changes, or any of them if none is named. */
export function onDidChangeSettings(listener: () => void, ...names: readonly (keyof Settings)[]): vscode.Disposable {
  const sections = names.length === 0 ? ['modal'] : names.map((name) => `modal.${name}`);
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (sections.some((section) => event.affectsConfiguration(section))) listener();
  });
}
