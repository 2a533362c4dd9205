import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { findRemotePaths } from '../../run/remote-paths.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';
import { strings } from './strings.ts';

interface RemotePathLink extends vscode.TerminalLink {
  readonly uri: vscode.Uri;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/**
 * Links the sandbox's paths in terminals to the local files, with line and column if present. `originalOf` returns the
 * local file that a copy in the sandbox was made from.
 */
export function registerTerminalLinks(originalOf: (copy: string) => vscode.Uri | undefined): vscode.Disposable {
  const provider: vscode.TerminalLinkProvider<RemotePathLink> = {
    provideTerminalLinks: ({ line: text }) =>
      findRemotePaths(text).flatMap(({ start, length, path, line, column }) => {
        const uri = path.startsWith('/') ? originalOf(path) : localFile(path);
        return uri ? [{ startIndex: start, length, tooltip: strings.openLocalFile(), uri, line, column }] : [];
      }),
    handleTerminalLink: async ({ uri, line = 1, column = 1 }) => {
      const position = new vscode.Position(Math.max(line - 1, 0), Math.max(column - 1, 0));
      await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
    },
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}

/** Returns the file with this path in a workspace folder, if it exists. */
function localFile(path: string): vscode.Uri | undefined {
  for (const folder of diskFolders()) {
    const file = join(syncedFolder(folder).path, path);
    if (existsSync(file)) return vscode.Uri.file(file);
  }
  return undefined;
}
