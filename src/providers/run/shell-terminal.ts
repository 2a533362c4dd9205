import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { type RunRequest, runRequest } from '../../run/request.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { diskFolderOf, diskFolders, requireTrust, syncedFolder } from '../common/folders.ts';
import type { RunTerminals } from './run-terminals.ts';

const SHELLS = ['bash', 'sh'] as const;

/** 'Modal Sandbox' among the terminal's profiles: a login shell in the synced folder. */
export function registerTerminalProfile(terminals: RunTerminals): vscode.Disposable {
  return vscode.window.registerTerminalProfileProvider('modal.sandboxTerminal', {
    provideTerminalProfile: () => new vscode.TerminalProfile(shellTerminal(terminals)),
  });
}

/** Opens a shell in the folder's sandbox, or in the given one as it is. */
export function openShell(terminals: RunTerminals, sandboxId?: string): void {
  vscode.window.createTerminal(shellTerminal(terminals, sandboxId)).show();
}

function shellTerminal(terminals: RunTerminals, sandboxId?: string): vscode.ExtensionTerminalOptions {
  return {
    name: sandboxId ? `Modal ${sandboxId.slice(-6)}` : 'Modal Sandbox',
    iconPath: new vscode.ThemeIcon('vm'),
    pty: terminals.createShell(async () => shellRequest(sandboxId)),
  };
}

function shellRequest(sandboxId: string | undefined): RunRequest {
  requireTrust();
  const active = vscode.window.activeTextEditor?.document.uri;
  const folder = diskFolderOf(active) ?? diskFolders()[0];
  if (!folder && !sandboxId)
    throw new UserError('No folder is open. Open one (“File: Open Folder…”), then open the terminal again.');
  return runRequest({
    folder: folder ? syncedFolder(folder) : { name: '', path: '' },
    label: 'shell',
    // A sandbox that somebody else started need not have the folder.
    programs: SHELLS.map((shell) => ({
      argv: [shell, '-c', `cd ${REMOTE_ROOT} 2>/dev/null; exec ${shell} -il`],
      label: shell,
    })),
    cwd: '/',
    sandboxId,
    sync: sandboxId === undefined,
  });
}
