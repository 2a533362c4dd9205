import * as vscode from 'vscode';
import type { CommandId } from '../../providers/common/command-ids.ts';
import { type PickItem, window } from '../../providers/common/window.ts';
import type { CurrentSession } from './status-bar.ts';
import { strings } from './strings.ts';

interface MenuItem extends PickItem {
  /** One of our commands, or the one with which VS Code shows the Sandboxes view. */
  readonly command: CommandId | 'modal.sandboxes.focus';
}

/** `modal.sessionMenu`: offers the actions for a folder's sandbox. */
export async function showSessionMenu({ title, isRunning }: CurrentSession): Promise<void> {
  const whenRunning: MenuItem[] = [
    { label: [{ icon: 'cloud-download' }, strings.pullChanges()], command: 'modal.pullChanges' },
    { label: [{ icon: 'debug-pause' }, strings.pause()], command: 'modal.pauseSandbox' },
    { label: [{ icon: 'debug-restart' }, strings.replace()], command: 'modal.replaceSandbox' },
  ];
  const whenStopped: MenuItem[] = [
    { label: [{ icon: 'debug-continue' }, strings.resume()], command: 'modal.resumeSandbox' },
  ];
  const items: MenuItem[] = [
    { label: [{ icon: 'play' }, strings.runActiveFile()], command: 'modal.runActiveFile' },
    { label: [{ icon: 'terminal' }, strings.openTerminal()], command: 'modal.openTerminal' },
    { label: [{ icon: 'server-environment' }, strings.chooseProfile()], command: 'modal.chooseProfile' },
    { label: [{ icon: 'account' }, strings.chooseAccount()], command: 'modal.chooseAccount' },
    ...(isRunning ? whenRunning : whenStopped),
    { label: [{ icon: 'list-tree' }, strings.showSandboxes()], command: 'modal.sandboxes.focus' },
    { label: [{ icon: 'debug-stop' }, strings.stopEverything()], command: 'modal.stopEverything' },
  ];
  const picked = await window.showQuickPick(items, {
    title,
    placeHolder: strings.menuPlaceholder(),
  });
  if (picked) await vscode.commands.executeCommand(picked.command);
}
