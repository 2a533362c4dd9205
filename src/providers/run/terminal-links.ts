import * as vscode from 'vscode';
import { findLocalFile } from '../../run/local-files.ts';
import { findRemotePaths } from '../../run/remote-paths.ts';
import { localFolders } from '../common/folders.ts';
import { strings } from './strings.ts';

interface RemotePathLink extends vscode.TerminalLink {
  readonly path: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/**
 * Links the sandbox's paths in terminals to the files of the workspace, with line and column if present. `originalOf`
 * returns the local file that a copy in the sandbox was made from.
 */
export function registerTerminalLinks(originalOf: (copy: string) => vscode.Uri | undefined): vscode.Disposable {
  const uriOf = (path: string) => {
    if (path.startsWith('/')) return originalOf(path);
    const file = findLocalFile(localFolders(), path);
    return file === undefined ? undefined : vscode.Uri.file(file);
  };
  const provider: vscode.TerminalLinkProvider<RemotePathLink> = {
    provideTerminalLinks: ({ line: text }) =>
      findRemotePaths(text)
        .filter(({ path }) => uriOf(path))
        .map(({ start, ...place }) => ({ ...place, startIndex: start, tooltip: strings.openLocalFile() })),
    handleTerminalLink: async ({ path, line = 1, column = 1 }) => {
      // Found again, because a program may have replaced it by a link since.
      const uri = uriOf(path);
      const position = new vscode.Position(Math.max(line - 1, 0), Math.max(column - 1, 0));
      if (uri) await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
    },
  };
  return vscode.window.registerTerminalLinkProvider(provider);
}
