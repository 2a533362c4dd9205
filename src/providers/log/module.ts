import * as vscode from 'vscode';
import { setLog } from '../../base/log.ts';
import { logLine } from '../../base/log-lines.ts';
import { onDidFailToSave } from '../../base/unsaved.ts';
import { registerCommands } from '../common/commands.ts';
import { strings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import { showServerWarnings } from './server-warnings.ts';

/**
 * The extension's log, as an output channel that begins with the versions in use; the servers' warnings in it; and a warning
 * when the extension can't save its data.
 */
export function logModule({ extension, globalState: memory }: vscode.ExtensionContext): vscode.Disposable {
  const channel = vscode.window.createOutputChannel('Sandboxes for Modal', { log: true });
  setLog(channel);
  logLine.activated({ extension: versionOf(extension), vscode: vscode.version, place: place() });
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

/** The versions that a support case needs, with the place where they run. */
export function versionsOf({ extension }: vscode.ExtensionContext): [name: string, version: string][] {
  return [
    ['Sandboxes for Modal', versionOf(extension)],
    ['VS Code', `${vscode.version} (${place()})`],
    ['Node', process.versions.node],
  ];
}

function versionOf({ packageJSON }: vscode.Extension<unknown>): string {
  return String(packageJSON.version);
}

function place(): string {
  const { remoteName, uiKind } = vscode.env;
  const kind = uiKind === vscode.UIKind.Web ? 'browser' : 'desktop';
  return [process.platform, process.arch, kind, ...(remoteName ? [remoteName] : [])].join(', ');
}
