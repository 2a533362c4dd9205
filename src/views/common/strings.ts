import * as l10n from '@vscode/l10n';

/** Texts of all views. */
export const strings = {
  tryAgain: () => l10n.t('Try Again'),
  andMore: (names: string, count: number) => l10n.t('{0} and {1} more', names, count),
  detail: (label: string, text: string) => l10n.t('{0}: {1}', label, text),
};
