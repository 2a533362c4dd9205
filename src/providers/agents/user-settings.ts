import { join } from 'node:path';
import * as vscode from 'vscode';
import { writePrivateFile } from '../../base/private-files.ts';
import { editorSettingsFolder } from '../../mcp/launcher.ts';
import type { AgentsDependencies } from './dependencies.ts';

/**
 * Writes the user's own settings of this extension to a file for servers without a window, such as budgets and profiles. Those
 * of a folder are in its files.
 */
export async function writeUserSettings({
  storagePath,
  settings,
}: Pick<AgentsDependencies, 'storagePath' | 'settings'>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const values = settings.flatMap((name) => {
    const value: unknown = configuration.inspect(name)?.globalValue;
    return value === undefined ? [] : [[name, value]];
  });
  const text = `${JSON.stringify(Object.fromEntries(values), undefined, 2)}\n`;
  await writePrivateFile(join(editorSettingsFolder(storagePath), 'settings.json'), text);
}
