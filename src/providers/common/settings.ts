import * as vscode from 'vscode';
import { parseSettings, type Settings } from './settings-schema.ts';

/** Reads the settings for a file or for the window. Throws `SettingsError` if one isn't valid. */
export function readSettings(scope?: vscode.Uri): Settings {
  return parseSettings({ ...vscode.workspace.getConfiguration('modal', scope) });
}
