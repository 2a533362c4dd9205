import * as vscode from 'vscode';
import { parseSettings, type Settings } from './settings-schema.ts';

/** The settings in force, for a file or for the window. Throws `SettingsError` when one cannot be used. */
export function readSettings(scope?: vscode.Uri): Settings {
  return parseSettings({ ...vscode.workspace.getConfiguration('modal', scope) });
}
