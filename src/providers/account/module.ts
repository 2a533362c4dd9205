import { join } from 'node:path';
import * as vscode from 'vscode';
import { LocalModalLauncher } from '../../modal/local-modal.ts';
import { registerCommands } from '../common/commands.ts';
import { setContextKey } from '../common/context-keys.ts';
import { reportError } from '../common/report.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { AccountService } from './account-service.ts';
import { strings } from './strings.ts';

/** The account that sandboxes run in, and the commands that choose it. Local Modal starts when it is first used. */
export function accountModule({ secrets, extensionPath, globalStorageUri }: vscode.ExtensionContext) {
  const localModal = new LocalModalLauncher(() => ({
    serverPath: join(extensionPath, 'dist', 'local-modal.cjs'),
    dataDir: join(globalStorageUri.fsPath, 'local-modal'),
    allowUnisolated: readSettings().localModal.allowUnisolated,
  }));
  const accounts = new AccountService(secrets, () => localModal.account());
  const offerRestart = async (logPath: string) => {
    const [restart, showLog] = [strings.restart(), strings.showLog()];
    const pressed = await window.showWarningMessage(strings.localModalEnded(), restart, showLog);
    if (pressed === restart) await localModal.account();
    if (pressed === showLog) await vscode.window.showTextDocument(vscode.Uri.file(logPath));
  };
  const showChoice = () => setContextKey('modal.account', accounts.isChosen ? 'chosen' : 'none');
  showChoice();
  const disposable = vscode.Disposable.from(
    localModal,
    accounts,
    localModal.onDidEnd((logPath) => void offerRestart(logPath).catch(reportError)),
    accounts.onDidChange(showChoice),
    registerCommands({
      'modal.chooseAccount': () => accounts.choose(),
      'modal.useLocalModal': () => accounts.useLocalModal(),
      'modal.signOut': () => accounts.signOut(),
    }),
  );
  return Object.assign(disposable, { accounts });
}
