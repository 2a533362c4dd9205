import * as vscode from 'vscode';
import type { ActionId } from '../../base/errors.ts';
import { executeCommand } from './commands.ts';
import { strings } from './strings.ts';
import { window } from './window.ts';

/** What an error was about, for the buttons that need it. */
export interface ErrorContext {
  /** Does again what failed. Without it, there is no such button. */
  readonly retry?: (() => unknown) | undefined;
  /** A file or folder in the workspace folder. */
  readonly uri?: vscode.Uri | undefined;
  /** The profile of the sandbox. Defaults to the folder's current one. */
  readonly profile?: string | undefined;
}

/** A next step that a user can take. */
export interface Action {
  readonly title: () => string;
  run(context: ErrorContext): unknown;
}

/** Notifications with more buttons are hard to read. */
const MAX_BUTTONS = 3;

/** Shows a message with buttons for its next steps, and takes the one that the user selects. */
type ShowWithActions = (message: string, actions: readonly ActionId[], context?: ErrorContext) => void;

export const showErrorWithActions: ShowWithActions = (...args) => showWithActions(window.showErrorMessage, ...args);
export const showWarningWithActions: ShowWithActions = (...args) => showWithActions(window.showWarningMessage, ...args);

function showWithActions(
  show: typeof window.showErrorMessage,
  message: string,
  actions: readonly ActionId[],
  context: ErrorContext = {},
): void {
  const offered = [...new Set(actions)]
    .filter((id) => id !== 'retry' || context.retry)
    .slice(0, MAX_BUTTONS)
    .map((id) => ACTIONS[id]);
  void show(message, ...offered.map(({ title }) => title())).then((pressed) =>
    offered.find(({ title }) => title() === pressed)?.run(context),
  );
}

/** A next step, for another place than a notification. */
export function actionOf(id: ActionId): Action {
  return ACTIONS[id];
}

const openUrl = (url: string) => () => vscode.env.openExternal(vscode.Uri.parse(url));
const openSetting = (query: string) => () => vscode.commands.executeCommand('workbench.action.openSettings', query);
const showProfile =
  (key?: string) =>
  ({ uri, profile }: ErrorContext) =>
    executeCommand('modal.openProfile', uri, profile, key);

const ACTIONS: Readonly<Record<ActionId, Action>> = {
  signIn: { title: strings.signIn, run: () => executeCommand('modal.signIn') },
  chooseAccount: { title: strings.chooseAccount, run: () => executeCommand('modal.chooseAccount') },
  useLocalModal: { title: strings.useLocalModal, run: () => executeCommand('modal.useLocalModal') },
  openConfigFile: { title: strings.openConfigFile, run: () => executeCommand('modal.openConfigFile') },
  createToken: { title: strings.createToken, run: openUrl('https://modal.com/settings/tokens') },
  retry: { title: strings.retry, run: ({ retry }) => retry?.() },
  reload: {
    title: strings.reloadWindow,
    run: () => vscode.commands.executeCommand('workbench.action.reloadWindow'),
  },
  showLog: { title: strings.showLog, run: () => executeCommand('modal.showLog') },
  showServiceStatus: { title: strings.showServiceStatus, run: openUrl('https://status.modal.com') },
  showUsage: { title: strings.showUsage, run: openUrl('https://modal.com/settings/usage') },
  showSecrets: { title: strings.showSecrets, run: openUrl('https://modal.com/secrets') },
  showSandboxes: {
    title: strings.showSandboxes,
    run: () => vscode.commands.executeCommand('modal.sandboxes.focus'),
  },
  replaceSandbox: { title: strings.replaceSandbox, run: () => executeCommand('modal.replaceSandbox') },
  chooseProfile: { title: strings.chooseProfile, run: ({ uri }) => executeCommand('modal.chooseProfile', uri) },
  showProfile: { title: strings.showProfile, run: showProfile() },
  chooseGpu: { title: strings.chooseGpu, run: showProfile('gpu') },
  chooseRegion: { title: strings.chooseRegion, run: showProfile('regions') },
  raiseTimeout: { title: strings.raiseTimeout, run: showProfile('timeoutMs') },
  raiseIdleTimeout: { title: strings.raiseIdleTimeout, run: showProfile('idleTimeoutMs') },
  raiseMemory: { title: strings.raiseMemory, run: showProfile('memoryMiB') },
  explainSync: { title: strings.explainSync, run: ({ uri }) => executeCommand('modal.whySynced', uri) },
  showProxySettings: { title: strings.showProxySettings, run: openSetting('http.proxy') },
  showLocalModalSettings: { title: strings.showLocalModalSettings, run: openSetting('modal.localModal') },
  showBudgetSettings: { title: strings.showBudgetSettings, run: openSetting('modal.budget') },
  trustWorkspace: {
    title: strings.trustWorkspace,
    run: () => vscode.commands.executeCommand('workbench.trust.manage'),
  },
  openFolder: { title: strings.openFolder, run: () => vscode.commands.executeCommand('vscode.openFolder') },
};
