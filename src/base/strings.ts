import * as l10n from '@vscode/l10n';

/** Words in formatted values, whose units are the same in all languages, and messages of several folders. */
export const strings = {
  underOneMinute: () => l10n.t('under 1 min'),
  justNow: () => l10n.t('moments ago'),
  minutesAgo: (count: number) => (count === 1 ? l10n.t('1 minute ago') : l10n.t('{0} minutes ago', count)),
  hoursAgo: (count: number) => (count === 1 ? l10n.t('1 hour ago') : l10n.t('{0} hours ago', count)),
  daysAgo: (count: number) => (count === 1 ? l10n.t('1 day ago') : l10n.t('{0} days ago', count)),
  files: (count: number) => (count === 1 ? l10n.t('1 file') : l10n.t('{0} files', withCommas(count))),
  deletions: (count: number) => (count === 1 ? l10n.t('1 deletion') : l10n.t('{0} deletions', withCommas(count))),
  leadsOutside: (path: string) =>
    l10n.t('“{0}” leads out of the workspace folder. Use a file or folder inside it, such as a copy.', path),
};

/** The first `toLocaleString` of a process takes up to 20 ms, because it loads the data of languages. */
function withCommas(count: number): string {
  return count < 1000 ? String(count) : count.toLocaleString('en-US');
}
