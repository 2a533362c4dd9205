import * as l10n from '@vscode/l10n';

/** Errors that other extensions get. */
export const strings = {
  codeTooLong: (maxChars: number) =>
    l10n.t('The code has more than {0} characters. Save it to a file in the folder and run that.', maxChars),
  emptyCommand: () => l10n.t('The command is empty. Specify a program.'),
};
