import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { findRemotePaths } from '../run/remote-paths.ts';
import { syncedFolder } from './folders.ts';

interface RemotePathLink extends vscode.TerminalLink {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** Makes the sandbox's paths in any terminal links to the local files, with line and column where they are named. */
export function registerTerminalLinks(): vscode.Disposable {
  const provider: vscode.TerminalLinkProvider<RemotePathLink> = {
    provideTerminalLinks: ({ line: text }) =>
      findRemotePaths(text).flatMap(({ start, length, path, line, column }) => {
        const file = localFile(path);
        return file ? [{ startIndex: start, length, tooltip: 'Open the local file', file, line, column }] : [];
      }),
    handleTerminalLink: async ({ file, line = 1, column = 1 }) => {
      const position = new vscode.Position(Math.max(line - 1, 0), Math.max(column - 1, 0));
      await vscode.window.showTextDocument(vscode.Uri.file(file), { selection: new vscode.Range(position, position) });
    },
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}

/** The file in a workspace folder, if there is one. */
function localFile(path: string): string | undefined {
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const file = join(syncedFolder(folder).path, path);
    if (existsSync(file)) return file;
  }
  return undefined;
}
