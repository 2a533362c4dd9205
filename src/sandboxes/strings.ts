import * as l10n from '@vscode/l10n';

/** Messages about sandboxes, warm-ups, and the budget. */
export const strings = {
  syncRootOutside: (root: string) =>
    l10n.t(
      'The modal.sync.root setting (“{0}”) points outside the folder. Specify a subfolder, and then run again.',
      root,
    ),

  noSandboxToPause: (profile: string) => l10n.t('No sandbox is running for profile “{0}”.', profile),
  noPausedSandbox: (profile: string, folder: string) =>
    l10n.t("There's no paused sandbox for profile “{0}” in “{1}”. Run a file to start one.", profile, folder),

  beforeRestoring: (name: string) => l10n.t('Before going back to “{0}”', name),
  beforeSync: () => l10n.t('Before a sync'),

  stillSaving: () =>
    l10n.t(
      'The files of the sandbox before are still being saved. Try again in a minute, or run “Modal: Replace Sandbox” to start without them.',
    ),

  tooMuchOutput: (command: string, limit: string) =>
    l10n.t('“{0}” printed more than {1}, so it was stopped. Make it print less, and then try again.', command, limit),
  setupCommandFailed: (command: string, exitCode: number, output: string, key: string) =>
    output === ''
      ? l10n.t(
          "The setup command “{0}” failed with exit code {1}. Fix it in the profile's `{2}`, and then try again.",
          command,
          exitCode,
          key,
        )
      : l10n.t(
          "The setup command “{0}” failed with exit code {1}: {2}. Fix it in the profile's `{3}`, and then try again.",
          command,
          exitCode,
          output,
          key,
        ),
  healthCheckFailed: (command: string, exitCode: number, output: string, key: string) =>
    output === ''
      ? l10n.t(
          "The health check “{0}” failed with exit code {1}. Fix it in the profile's `{2}`, and then try again.",
          command,
          exitCode,
          key,
        )
      : l10n.t(
          "The health check “{0}” failed with exit code {1}: {2}. Fix it in the profile's `{3}`, and then try again.",
          command,
          exitCode,
          output,
          key,
        ),
  setupInOtherWindow: () => l10n.t('Another window is running this setup.'),
  setupFilesNotSent: (reason: string) => l10n.t("Couldn't send the setup files: {0}.", reason),
  setupFileUnreadable: (path: string) =>
    l10n.t("The setup file “{0}” can't be read. Create it, or remove it from `setup.files`.", path),

  accountNotInUse: (account: string) => l10n.t('This window is no longer signed in to {0}.', account),

  accountChanged: () =>
    l10n.t('The account or app changed, so the sandbox that was being started was stopped. Try again.'),

  spentToday: (spent: string, limit: string) => l10n.t("You've spent {0} of {1} today (estimate)", spent, limit),
  spentLastHour: (spent: string, limit: string) =>
    l10n.t("You've spent {0} of {1} in the last hour (estimate)", spent, limit),
  budgetSpent: (summary: string) =>
    l10n.t(
      '{0}, so no sandbox was started. Raise the limit in the modal.budget settings, or try again later.',
      summary,
    ),

  pausedUntilAllowed: () => l10n.t('not allowed yet'),
  pausedUntilNextRun: () => l10n.t('stopped until the next run'),
  pausedWithoutFocus: () => l10n.t("the window doesn't have focus"),
  pausedOutsideWorkingHours: (hours: string) => l10n.t('outside working hours ({0})', hours),
  pausedByInactivity: () => l10n.t('inactive'),
  pausedOnBattery: () => l10n.t('on battery power'),
  pausedByBudget: () => l10n.t('budget reached'),

  warmUpCanceled: () => l10n.t('The warm-up was canceled.'),
  warmUpTimedOut: () => l10n.t('The warm-up timed out after 10 minutes.'),
  imageUnchanged: () => l10n.t('image unchanged'),
  imageReady: () => l10n.t('image ready'),
  imageChanged: () => l10n.t('image changed'),
  probePassed: () => l10n.t('probe passed'),
  stoppedOldSandboxes: (count: number) =>
    count === 1 ? l10n.t('stopped 1 old sandbox') : l10n.t('stopped {0} old sandboxes', count),
  stoppedUnhealthySandboxes: (count: number) =>
    count === 1 ? l10n.t('stopped 1 unhealthy sandbox') : l10n.t('stopped {0} unhealthy sandboxes', count),
  startedSandboxes: (count: number) =>
    count === 1 ? l10n.t('started 1 sandbox') : l10n.t('started {0} sandboxes', count),
  removedCacheFiles: (count: number) =>
    count === 1 ? l10n.t('removed 1 old file from the caches') : l10n.t('removed {0} old files from the caches', count),
};
