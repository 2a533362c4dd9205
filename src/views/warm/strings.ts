import * as l10n from '@vscode/l10n';

/** Texts of the Warm-Ups view. */
export const strings = {
  target: (profile: string, folder: string) => l10n.t('{0} in {1}', profile, folder),
  paused: (reason: string) => l10n.t('paused: {0}', reason),
  ready: (count: number, wanted: number) => l10n.t('{0} of {1} ready', count, wanted),
  refreshedEvery: (minutes: number) => l10n.t('Refreshed every {0} minutes', minutes),
  refreshedOnSchedule: (schedule: string) => l10n.t('Refreshed on schedule {0}', schedule),
  pausedTooltip: (reason: string, refresh: string) => l10n.t('Paused: {0}. {1}', reason, refresh),
  notAllowedTooltip: (profile: string, folder: string) =>
    l10n.t(
      "Profile “{0}” in “{1}” asks for something that you haven't allowed. Select this row to review it.",
      profile,
      folder,
    ),
  review: () => l10n.t('Review Folder Permissions'),
  targetLabel: (profile: string, folder: string, description: string) =>
    l10n.t('Warm-ups for {0} in {1}, {2}', profile, folder, description),

  refresh: (time: string, profile: string, folder: string) => l10n.t('{0} {1} in {2}', time, profile, folder),
  refreshTooltip: (description: string, time: string, seconds: number) =>
    l10n.t('{0}\n{1}, {2} s', description, time, seconds),
  refreshLabel: (profile: string, time: string, description: string) =>
    l10n.t('Warm-up for {0} at {1}, {2}', profile, time, description),
};
