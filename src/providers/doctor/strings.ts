import * as l10n from '@vscode/l10n';

/** Texts around the doctor's report. */
export const strings = {
  examining: () => l10n.t('Examining the connection to Modal'),
  askForSandbox: (account: string) =>
    l10n.t('Do you want to start a sandbox in the account “{0}” as one of the checks?', account),
  askDetail: () => l10n.t('A small sandbox for a few seconds costs less than a cent. All other checks are free.'),
  withSandbox: () => l10n.t('Start a Sandbox'),
  withoutSandbox: () => l10n.t('Skip This Check'),
  allWell: () => l10n.t('Modal: Doctor found no problems.'),
  found: (check: string, message: string) => l10n.t('{0}: {1}', check, message),
  copyReport: () => l10n.t('Copy Report'),
  copied: () => l10n.t('The report was copied. It contains no tokens or account names.'),
  reportName: () => l10n.t('Doctor Report'),
  reportGone: () => l10n.t('Run “Modal: Doctor” to see a new report.'),
};
