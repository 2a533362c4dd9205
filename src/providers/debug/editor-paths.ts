import * as vscode from 'vscode';
import { SourcePaths } from '../../debug/source-paths.ts';
import type { RunRequest } from '../../run/request.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { localFolders } from '../common/folders.ts';
import { placeOfRemote, READ_ONLY_QUERY, remoteUri, SANDBOX_SCHEME } from '../common/schemes.ts';
import type { DebugRequests } from './launch-requests.ts';

/** Returns the paths of source files in a sandbox. Those that aren't in the folder are shown from there, read-only. */
export function editorPaths(folder: Folder, sandboxId: string, copy?: { local: string; remote: string }): SourcePaths {
  return new SourcePaths({
    folder: folder.path,
    localFolders: localFolders(),
    files: {
      nameOf: (path) =>
        remoteUri(SANDBOX_SCHEME, { container: sandboxId, path }).with({ query: READ_ONLY_QUERY }).toString(),
      pathOf: (name) => {
        const place = name.startsWith(`${SANDBOX_SCHEME}:`) ? placeOfRemote(vscode.Uri.parse(name)) : undefined;
        return place?.container === sandboxId ? place.path : undefined;
      },
    },
    copy,
  });
}

/** Returns the file from outside the folder that a run has copied into the sandbox, and its copy. */
export function copyOf({ copy }: RunRequest, requests: DebugRequests): { local: string; remote: string } | undefined {
  const original = copy && requests.originalOf(copy.path);
  if (!original) return undefined;
  return { local: original.scheme === 'file' ? original.fsPath : original.toString(), remote: copy.path };
}
