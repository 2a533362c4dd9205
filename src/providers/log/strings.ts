import * as l10n from '@vscode/l10n';

export const strings = {
  serverWarning: (text: string) => l10n.t('Warning from Modal: {0}', text),
};
