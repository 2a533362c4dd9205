import * as l10n from '@vscode/l10n';

/** Messages about warm-ups and the budget. */
export const strings = {
  stopping: () => l10n.t('Stopping sandboxes started from this computer…'),
  noneStopped: () => l10n.t('No sandboxes were running. Warm-ups are paused until the next run.'),
  oneStopped: () => l10n.t('Stopped 1 sandbox. Warm-ups are paused until the next run.'),
  manyStopped: (count: number) => l10n.t('Stopped {0} sandboxes. Warm-ups are paused until the next run.', count),

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
