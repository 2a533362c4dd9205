import * as l10n from '@vscode/l10n';

/** Messages of the product without a window. */
export const strings = {
  // Settings
  invalidAccountSetting: () =>
    l10n.t('The modal.account setting must be "local", "environment", "profile:NAME", or "token:NAME".'),
  invalidAppSetting: () => l10n.t('The modal.app setting must be 1 to 64 letters, digits, “.”, “_”, or “-”.'),
  invalidSetting: (name: string, problem: string) => l10n.t("The modal.{0} setting isn't valid ({1}).", name, problem),
};
