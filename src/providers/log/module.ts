import * as vscode from 'vscode';
import { setLog } from '../../base/log.ts';
import { registerCommands } from '../common/commands.ts';

/** The extension's log, as an output channel. */
export function logModule(): vscode.Disposable {
  const channel = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(channel);
  return vscode.Disposable.from(channel, registerCommands({ 'modal.showLog': () => channel.show() }));
}
