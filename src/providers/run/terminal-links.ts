import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { findRemotePaths } from '../../run/remote-paths.ts';
import { diskFolders, syncedFolder } from '../common/folders.ts';

interface RemotePathLink extends vscode.TerminalLink {
  readonly uri: vscode.Uri;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/**
 * Makes the sandbox's paths in any terminal links to the local files, with line and column where they are named. `originalOf` names
 * the file that a copy in the sandbox was made of.
 */
export function registerTerminalLinks(originalOf: (copy: string) => vscode.Uri | undefined): vscode.Disposable {
  const provider: vscode.TerminalLinkProvider<RemotePathLink> = {
    provideTerminalLinks: ({ line: text }) =>
      findRemotePaths(text).flatMap(({ start, length, path, line, column }) => {
        const uri = path.startsWith('/') ? originalOf(path) : localFile(path);
        return uri ? [{ startIndex: start, length, tooltip: 'Open the local file', uri, line, column }] : [];
      }),
    handleTerminalLink: async ({ uri, line = 1, column = 1 }) => {
      const position = new vscode.Position(Math.max(line - 1, 0), Math.max(column - 1, 0));
      await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
    },
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}

/** The file in a workspace folder, if there is one. */
function localFile(path: string): vscode.Uri | undefined {
  for (const folder of diskFolders()) {
    const file = join(syncedFolder(folder).path, path);
    if (existsSync(file)) return vscode.Uri.file(file);
  }
  return undefined;
}
