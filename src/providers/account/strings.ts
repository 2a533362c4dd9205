import * as l10n from '@vscode/l10n';
import type { LocalModalState } from '../../modal/local-server.ts';

const isolations = {
  gvisor: () => l10n.t('Isolated by gVisor.'),
  namespaces: () => l10n.t('Isolated by Linux namespaces.'),
  none: () => l10n.t('Not isolated from your files.'),
  refused: () => l10n.t("Can't isolate its sandboxes on this system."),
  unknown: () =>
    process.platform === 'linux'
      ? l10n.t('Isolated by gVisor or Linux namespaces.')
      : l10n.t("Can't isolate its sandboxes on this system."),
};

/** Messages about accounts. */
export const strings = {
  localModalEnded: () => l10n.t('Local Modal has ended unexpectedly, and its sandboxes with it.'),
  restart: () => l10n.t('Restart'),
  showLog: () => l10n.t('Show Log'),

  chooseTitle: () => l10n.t('Modal: Choose Account'),
  choosePlaceholder: () => l10n.t('Select where sandboxes run'),
  current: (description: string) => l10n.t('{0} (current)', description),
  otherPlaces: () => l10n.t('other accounts and places'),
  localModal: () => l10n.t('Local Modal'),
  localModalDescription: () => l10n.t('runs on your computer, no account needed'),
  localModalLimits: () =>
    l10n.t("Local Modal is free. It has your computer's programs, but no GPUs and no images from registries."),
  /** For a row, which shows about a hundred characters. */
  localModalSummary: (runtime: LocalModalState['runtime']) =>
    l10n.t('{0} No GPUs, no images from registries.', isolations[runtime ?? 'unknown']()),
  configProfile: () => l10n.t('profile in ~/.modal.toml'),
  unusableConfigProfile: () => l10n.t('in ~/.modal.toml, with a value of the wrong type'),
  activeConfigProfile: () => l10n.t('active profile in ~/.modal.toml'),
  environment: () => l10n.t('Environment'),
  environmentDescription: () => l10n.t("from Modal's environment variables"),
  storedTokenDescription: () => l10n.t("stored in VS Code's secret storage"),
  signInWithBrowser: () => l10n.t('Sign in to Modal…'),
  signInDescription: () => l10n.t("runs in Modal's cloud, opens your browser"),
  pasteToken: () => l10n.t('Paste a token…'),
  pasteTokenDescription: () => l10n.t('create one at modal.com/settings/tokens'),

  tokenIdTitle: () => l10n.t('Modal: Token ID (1/2)'),
  tokenSecretTitle: () => l10n.t('Modal: Token Secret (2/2)'),
  tokenPrompt: () => l10n.t("Create a token at modal.com/settings/tokens. It's stored in VS Code's secret storage."),
  checkingToken: () => l10n.t('Checking the token…'),
  signingIn: () => l10n.t('Signing in to Modal'),
  compareCode: (code: string) => l10n.t('Continue in your browser if the page shows the code {0}', code),
  pageNotOpened: () => l10n.t("The sign-in page wasn't opened. Copy the link, and open it in your browser."),
  copyLink: () => l10n.t('Copy Link'),
  signedIn: (name: string) => l10n.t("You're signed in to Modal as {0}.", name),
  notSignedIn: () => l10n.t("You didn't sign in to Modal."),
  notStored: () => l10n.t("VS Code couldn't store the token. This computer may have no keyring."),
  noKeyring: () =>
    l10n.t(
      'VS Code forgets tokens when it closes, because this computer has no keyring. Where do you want to keep the token?',
    ),
  saveInConfigFile: () => l10n.t('Save in ~/.modal.toml'),
  untilClosed: () => l10n.t('Keep Until VS Code Closes'),

  tokenRejected: (name: string) => l10n.t("Modal doesn't accept the token of {0} any more. Sign in again.", name),
  signInAgain: () => l10n.t('Sign In Again'),
  chooseAccount: () => l10n.t('Choose Account…'),

  signedOut: (name: string) => l10n.t("You're signed out of {0}. Its token was deleted from VS Code.", name),
  notUsed: (name: string) => l10n.t("{0} isn't used any more. It stays where it is on your computer.", name),

  loadingEnvironments: () => l10n.t('Loading environments…'),
  environmentTitle: (account: string) => l10n.t('Modal: Environment of {0}', account),
  environmentPlaceholder: () => l10n.t('Select the environment for this workspace'),
  defaultEnvironment: () => l10n.t('default'),

  providerName: () => l10n.t('Modal'),
};
