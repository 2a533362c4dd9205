import * as vscode from 'vscode';
import { setLog } from '../../base/log.ts';
import { registerCommands } from '../common/commands.ts';
import { showServerWarnings } from './server-warnings.ts';

/** The extension's log, as an output channel, and the servers' warnings in it. `memory` is shared by all windows. */
export function logModule(memory: vscode.Memento): vscode.Disposable {
  const channel = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(channel);
  return vscode.Disposable.from(
    channel,
    registerCommands({ 'modal.showLog': () => channel.show() }),
    showServerWarnings(memory),
  );
}
