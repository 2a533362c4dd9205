import * as vscode from 'vscode';
import { setLog } from '../../base/log.ts';
import { onDidFailToSave } from '../../base/unsaved.ts';
import { registerCommands } from '../common/commands.ts';
import { strings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import { showServerWarnings } from './server-warnings.ts';

/**
 * The extension's log, as an output channel, the servers' warnings in it, and a warning when the extension can't save its
 * data. `memory` is shared by all windows.
 */
export function logModule(memory: vscode.Memento): vscode.Disposable {
  const channel = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(channel);
  return vscode.Disposable.from(
    channel,
    registerCommands({ 'modal.showLog': () => channel.show() }),
    showServerWarnings(memory),
    onDidFailToSave((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      void window.showWarningMessage(strings.notSaved(reason));
    }),
  );
}
