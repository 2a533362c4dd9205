import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { STORED_PREFIX } from '../../modal/accounts.ts';
import { configFilePath } from '../../modal/config-file.ts';
import { LocalModalLauncher } from '../../modal/local-modal.ts';
import { registerCommands } from '../common/commands.ts';
import { setContextKey } from '../common/context-keys.ts';
import { reportError } from '../common/report.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { AccountPicker } from './account-picker.ts';
import { AccountService, nameOf } from './account-service.ts';
import { chooseEnvironment } from './environment-picker.ts';
import { followNetworkSettings } from './network-settings.ts';
import { SessionProvider } from './session-provider.ts';
import { SignIn } from './sign-in.ts';
import { SignInAgain } from './sign-in-again.ts';
import { StoredAccounts } from './stored-accounts.ts';
import { strings } from './strings.ts';

/** `modal.openConfigFile`: opens Modal's config file, or a new one. */
async function openConfigFile(): Promise<void> {
  const uri = vscode.Uri.file(configFilePath());
  await vscode.window.showTextDocument(existsSync(uri.fsPath) ? uri : uri.with({ scheme: 'untitled' }));
}

/** The account that sandboxes run in, and the commands that choose it. Local Modal starts when it is first used. */
export function accountModule(context: vscode.ExtensionContext) {
  const { secrets, globalState, workspaceState, extensionPath, globalStorageUri } = context;
  const localModal = new LocalModalLauncher(() => ({
    serverPath: join(extensionPath, 'dist', 'local-modal.cjs'),
    dataDir: join(globalStorageUri.fsPath, 'local-modal'),
    ...readSettings().localModal,
  }));
  const stored = new StoredAccounts(secrets, globalState);
  const accounts = new AccountService(stored, workspaceState, () => localModal.account());
  const signIn = new SignIn(stored);
  const picker = new AccountPicker({ accounts, stored, signIn, localModal });
  const signInAgain = new SignInAgain(accounts, picker);
  const sessions = new SessionProvider(stored, accounts, signIn);
  const offerRestart = async (logPath: string) => {
    const [restart, showLog] = [strings.restart(), strings.showLog()];
    const pressed = await window.showWarningMessage(strings.localModalEnded(), restart, showLog);
    if (pressed === restart) await localModal.account();
    if (pressed === showLog) await vscode.window.showTextDocument(vscode.Uri.file(logPath));
  };
  const signOut = async () => {
    const { choice } = accounts;
    const name = nameOf(choice);
    if (choice.startsWith(STORED_PREFIX)) {
      await sessions.removeSession(name);
      void window.showInformationMessage(strings.signedOut(name));
    } else {
      await accounts.forget(choice);
      void window.showInformationMessage(strings.notUsed(name));
    }
  };
  const showChoice = () => setContextKey('modal.account', accounts.isChosen ? 'chosen' : 'none');
  showChoice();
  const disposable = vscode.Disposable.from(
    followNetworkSettings(),
    localModal,
    stored,
    accounts,
    signInAgain,
    sessions,
    localModal.onDidEnd((logPath) => void offerRestart(logPath).catch(reportError)),
    accounts.onDidChange(showChoice),
    registerCommands({
      'modal.chooseAccount': () => picker.choose(),
      'modal.chooseEnvironment': () => chooseEnvironment(accounts),
      'modal.signIn': () => picker.signIn(),
      'modal.useLocalModal': () => picker.useLocalModal(),
      'modal.signOut': signOut,
      'modal.openConfigFile': openConfigFile,
    }),
  );
  return Object.assign(disposable, {
    accounts,
    /** Fires when it's known how the sandboxes of Local Modal are isolated. */
    onDidJoinLocalModal: localModal.onDidJoin,
    /** What the doctor asks about accounts. */
    forDoctor: {
      account: () => accounts.current(),
      localModal: async () => (accounts.isLocal ? localModal.state() : undefined),
      hasLostToken: () => stored.hasLost(),
    },
    /** How runs get a usable account. */
    access: {
      ensureChosen: async () => accounts.isChosen || picker.choose(),
      recover: (message: string, startedAt: number) => signInAgain.recover(message, startedAt),
    },
  });
}
