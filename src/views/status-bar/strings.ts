import * as l10n from '@vscode/l10n';

/** Texts of the status bar item and its menu. */
export const strings = {
  itemName: () => l10n.t('Modal Sandbox'),
  text: (description: string) => l10n.t('Modal: {0}', description),
  startingSandbox: () => l10n.t('Starting a sandbox…'),
  pricePerHour: (price: string) => l10n.t('{0}/h', price),
  sandboxRunning: (profile: string, folder: string) =>
    l10n.t('Modal: profile “{0}” in {1}, sandbox running.', profile, folder),
  warmSandbox: (profile: string, folder: string) =>
    l10n.t('Modal: profile “{0}” in {1}, warm sandbox available.', profile, folder),
  noSandbox: (profile: string, folder: string) =>
    l10n.t('Modal: profile “{0}” in {1}, no sandbox running.', profile, folder),
  inAccount: (account: string) => l10n.t('Account: {0}.', account),
  spentToday: (amount: string) => l10n.t('Estimated spend today: {0}.', amount),
  localModalIsFree: () => l10n.t('Local Modal is free.'),

  menuTitle: (folder: string, profile: string) => l10n.t('Modal: {0}, profile “{1}”', folder, profile),
  menuTitleWithoutFolder: () => l10n.t('Modal'),
  menuPlaceholder: () => l10n.t("Select an action for this folder's sandbox"),
  pullChanges: () => l10n.t('Pull Changes from Sandbox…'),
  pause: () => l10n.t('Pause Sandbox'),
  replace: () => l10n.t('Replace Sandbox'),
  runActiveFile: () => l10n.t('Run Active File in Sandbox'),
  openTerminal: () => l10n.t('Open Terminal in Sandbox'),
  chooseAccount: () => l10n.t('Choose Account…'),
  chooseProfile: () => l10n.t('Choose Profile…'),
  resume: () => l10n.t('Resume Sandbox'),
  showSandboxes: () => l10n.t('Show Sandboxes'),
  stopEverything: () => l10n.t('Stop All Sandboxes and Warm-Ups'),
};
