import * as vscode from 'vscode';
import type { RunRequest } from '../../run/request.ts';
import { requestForShell } from '../../run/shell-request.ts';
import { NO_FOLDER } from '../../sandboxes/folder.ts';
import { activeFolder, requireFolder, requireTrust, syncedFolder } from '../common/folders.ts';
import { window } from '../common/window.ts';
import type { RunTerminals } from './run-terminals.ts';
import { strings } from './strings.ts';

/** Registers the terminal profile “Modal Sandbox”: a login shell in the synced folder. */
export function registerTerminalProfile(terminals: RunTerminals): vscode.Disposable {
  return vscode.window.registerTerminalProfileProvider('modal.sandboxTerminal', {
    provideTerminalProfile: () => new vscode.TerminalProfile(shellTerminal(terminals)),
  });
}

/** Opens a shell in the folder's sandbox, or in the given one without syncing. */
export function openShell(terminals: RunTerminals, sandboxId?: string): void {
  window.createTerminal(shellTerminal(terminals, sandboxId)).show();
}

function shellTerminal(terminals: RunTerminals, sandboxId?: string): vscode.ExtensionTerminalOptions {
  return {
    name: sandboxId ? strings.shellTerminalOf(sandboxId.slice(-6)) : strings.shellTerminal(),
    iconPath: new vscode.ThemeIcon('vm'),
    pty: terminals.createShell(async () => shellRequest(sandboxId)),
  };
}

function shellRequest(sandboxId: string | undefined): RunRequest {
  requireTrust();
  const folder = sandboxId ? activeFolder() : requireFolder(activeFolder());
  return requestForShell({ folder: folder ? syncedFolder(folder) : NO_FOLDER, label: strings.shell(), sandboxId });
}
