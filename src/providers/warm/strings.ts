import * as l10n from '@vscode/l10n';

/** Messages about warm-ups and the budget. */
export const strings = {
  stopping: () => l10n.t('Stopping sandboxes started from this computer…'),
  noneStopped: () => l10n.t('No sandboxes were running.'),
  oneStopped: () => l10n.t('Stopped 1 sandbox.'),
  manyStopped: (count: number) => l10n.t('Stopped {0} sandboxes.', count),
  notStopped: (names: string, reason: string) =>
    l10n.t("Couldn't stop {0}, so they may still be running. Modal is asked again every minute. {1}", names, reason),
  notListed: (reason: string) => l10n.t("Couldn't check whether other sandboxes are running. {0}", reason),
  warmUpsPaused: () => l10n.t('Warm-ups are paused until the next run.'),

  inAccount: (name: string, account: string) => l10n.t('{0} ({1})', name, account),
  unnamed: () => l10n.t('unnamed'),
  couldNotStop: (names: string, reason: string) =>
    l10n.t(
      "Couldn't stop {0}, so they may still be running, at most until their idle timeout. Modal is asked again every minute. {1}",
      names,
      reason,
    ),
  tryAgain: () => l10n.t('Try Again'),
  oneLeft: () =>
    l10n.t('1 sandbox is still running in the account or app that you used before. It stops after its idle timeout.'),
  manyLeft: (count: number) =>
    l10n.t(
      '{0} sandboxes are still running in the account or app that you used before. They stop after their idle timeout.',
      count,
    ),
  stopNow: () => l10n.t('Stop Now'),

  budgetNear: (summary: string) => l10n.t('{0}.', summary),
  budgetSpent: (summary: string) =>
    l10n.t('{0}. Warm-ups are paused, and runs ask before starting a sandbox.', summary),
  confirmStart: (summary: string) => l10n.t('{0}. Start a sandbox anyway?', summary),
  startAnyway: () => l10n.t('Start Anyway'),

  offerWarm: (profile: string) =>
    l10n.t(
      'Sandboxes with profile “{0}” were slow to start three times. Keep one warm while this window has focus?',
      profile,
    ),
  offerWarmWithPrice: (profile: string, price: string) =>
    l10n.t(
      'Sandboxes with profile “{0}” were slow to start three times. Keep one warm while this window has focus? It costs about {1} per hour.',
      profile,
      price,
    ),
  keepWarm: () => l10n.t('Keep One Warm'),
  no: () => l10n.t('No'),
};
