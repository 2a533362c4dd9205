import * as l10n from '@vscode/l10n';

/** Messages about pausing, resuming, and expiring sandboxes. */
export const strings = {
  runningOne: (name: string) => l10n.t('{0} is running and will be stopped.', name),
  runningMany: (names: string) => l10n.t('{0} are running and will be stopped.', names),
  pauseAnyway: (running: string) => l10n.t('{0} Pause anyway?', running),
  pause: () => l10n.t('Pause'),
  pausing: () => l10n.t('Pausing the sandbox…'),
  paused: (profile: string) =>
    l10n.t('The sandbox for profile “{0}” was paused. Its files are kept for 30 days at no compute cost.', profile),

  resume: () => l10n.t('Resume'),
  resuming: () => l10n.t('Resuming the sandbox…'),
  resumed: (profile: string) => l10n.t('The sandbox for profile “{0}” was resumed with its files.', profile),
  resumedFrom: (profile: string, ago: string) =>
    l10n.t('Resumed from {1}: the sandbox for profile “{0}” has the files of the one before.', profile, ago),
  startFresh: () => l10n.t('Start Fresh'),
  startFreshAnyway: (running: string) => l10n.t('{0} Start fresh anyway?', running),
  startsFresh: (profile: string) =>
    l10n.t('The sandbox for profile “{0}” was stopped. The next run starts a new one without its files.', profile),
  otherFolder: () =>
    l10n.t('The selected sandbox or snapshot belongs to another folder. Open that folder, and then try again.'),

  expiresInOneMinute: (profile: string) => l10n.t('The sandbox for profile “{0}” expires in 1 minute.', profile),
  expiresInMinutes: (profile: string, minutes: number) =>
    l10n.t('The sandbox for profile “{0}” expires in {1} minutes.', profile, minutes),
  moveToNewSandbox: () => l10n.t('Move to New Sandbox'),
  moving: () => l10n.t('Moving to a new sandbox…'),
  moved: (profile: string) => l10n.t('The sandbox for profile “{0}” was moved to a new one with its files.', profile),
};
