import * as l10n from '@vscode/l10n';

/** Words in formatted values. Units are the same in all languages. */
export const strings = {
  underOneMinute: () => l10n.t('under 1 min'),
};
