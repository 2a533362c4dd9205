import * as l10n from '@vscode/l10n';

/** Words in formatted values, whose units are the same in all languages, and messages of several folders. */
export const strings = {
  underOneMinute: () => l10n.t('under 1 min'),
  justNow: () => l10n.t('moments ago'),
  minutesAgo: (count: number) => (count === 1 ? l10n.t('1 minute ago') : l10n.t('{0} minutes ago', count)),
  hoursAgo: (count: number) => (count === 1 ? l10n.t('1 hour ago') : l10n.t('{0} hours ago', count)),
  daysAgo: (count: number) => (count === 1 ? l10n.t('1 day ago') : l10n.t('{0} days ago', count)),
  files: (count: number) => (count === 1 ? l10n.t('1 file') : l10n.t('{0} files', count.toLocaleString('en-US'))),
  deletions: (count: number) =>
    count === 1 ? l10n.t('1 deletion') : l10n.t('{0} deletions', count.toLocaleString('en-US')),
  leadsOutside: (path: string) =>
    l10n.t('“{0}” leads out of the workspace folder. Use a file or folder inside it, such as a copy.', path),
};
