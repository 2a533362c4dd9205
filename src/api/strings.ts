import * as l10n from '@vscode/l10n';

/** Messages of the API's errors. */
export const strings = {
  codeTooLong: (maxChars: number) =>
    l10n.t('The code has more than {0} characters. Save it to a file in the folder and run that.', maxChars),
  commandEmpty: () => l10n.t('The command is empty. Specify a program.'),
  notPausedSandbox: (text: string) =>
    l10n.t("“{0}” isn't a paused sandbox. Pass the value that `pause` returned.", text),
  portNotExposed: (port: number) =>
    l10n.t("Port {0} wasn't exposed when the sandbox was created. Add it to `ports`.", port),
  sandboxStopped: (id: string) => l10n.t('Sandbox {0} has stopped. Create another one.', id),
};
