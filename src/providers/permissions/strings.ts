import * as l10n from '@vscode/l10n';

/** Questions about what a folder's profiles and tasks may do. */
export const strings = {
  andMore: (count: number) => l10n.t('… and {0} more', count),
  allow: () => l10n.t('Allow'),
  dontAllow: () => l10n.t("Don't Allow"),

  offer: (profile: string, folder: string, texts: string) =>
    l10n.t('Profile “{0}” in “{1}” asks for your permission: {2}', profile, folder, texts),
  review: () => l10n.t('Review…'),
  reviewTitle: () => l10n.t('Modal: Review Folder Permissions'),
  reviewPlaceholder: (folder: string) => l10n.t('What the files in “{0}” may do in this account', folder),
  nothingAsked: (folder: string) => l10n.t('Nothing in “{0}” asks for your permission.', folder),
};
