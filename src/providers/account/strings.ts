import * as l10n from '@vscode/l10n';

/** Messages about accounts. */
export const strings = {
  offer: () => l10n.t('To run code in a sandbox, sign in to Modal, or use Local Modal to run on your computer.'),
  signIn: () => l10n.t('Sign In…'),
  localModalEnded: () => l10n.t('Local Modal has ended unexpectedly, and its sandboxes with it.'),
  restart: () => l10n.t('Restart'),
  showLog: () => l10n.t('Show Log'),
  useLocalModal: () => l10n.t('Use Local Modal'),
  signedOut: () => l10n.t("You're signed out of Modal. The stored token was deleted."),

  chooseTitle: () => l10n.t('Modal: Choose Account'),
  choosePlaceholder: () => l10n.t('Select where sandboxes run'),
  current: (description: string) => l10n.t('{0} (current)', description),
  localModal: () => l10n.t('Local Modal'),
  localModalDescription: () => l10n.t('runs on your computer, no account needed'),
  configProfile: () => l10n.t('profile in ~/.modal.toml'),
  unusableConfigProfile: () => l10n.t('in ~/.modal.toml, with a value of the wrong type'),
  activeConfigProfile: () => l10n.t('active profile in ~/.modal.toml'),
  environment: () => l10n.t('Environment'),
  environmentDescription: () => l10n.t('MODAL_TOKEN_ID and MODAL_TOKEN_SECRET'),
  storedToken: () => l10n.t('Stored token'),
  storedTokenDescription: () => l10n.t("stored in VS Code's secret storage"),
  pasteToken: () => l10n.t('Paste a token…'),
  pasteTokenDescription: () => l10n.t('create one at modal.com/settings/tokens'),

  tokenIdTitle: () => l10n.t('Modal: Token ID (1/2)'),
  tokenSecretTitle: () => l10n.t('Modal: Token Secret (2/2)'),
  tokenPrompt: () => l10n.t("Create a token at modal.com/settings/tokens. It's stored in VS Code's secret storage."),
};
