import * as vscode from 'vscode';
import { parseSettings, type Settings } from './settings-schema.ts';

/** Reads the settings for a file or for the window. Throws `SettingsError` if one isn't valid. */
export function readSettings(scope?: vscode.Uri): Settings {
  return parseSettings({ ...vscode.workspace.getConfiguration('modal', scope) });
}

/** Calls a listener when one of the named settings under `modal.` changes, or any of them if none is named. */
export function onDidChangeSettings(listener: () => void, ...names: readonly (keyof Settings)[]): vscode.Disposable {
  const sections = names.length === 0 ? ['modal'] : names.map((name) => `modal.${name}`);
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (sections.some((section) => event.affectsConfiguration(section))) listener();
  });
}
