import * as l10n from '@vscode/l10n';

/** Messages about syncing in the editor. */
export const strings = {
  noFileOpen: () => l10n.t("No file is open. Open a file, or use the Explorer's context menu."),
  synced: (path: string, reason: string) => l10n.t('“{0}” is synced ({1}).', path, reason),
  notSynced: (path: string, reason: string) => l10n.t("“{0}” isn't synced ({1}).", path, reason),
  syncedLink: (path: string, target: string, reason: string) =>
    l10n.t("“{0}” is synced, but it's a link to “{1}”, which isn't ({2}).", path, target, reason),
  notSyncedTooltip: (reason: string) => l10n.t('Not synced to the sandbox ({0})', reason),
  include: () => l10n.t('Include'),
  showRule: () => l10n.t('Show Rule'),
  requiredNotSynced: (path: string, reason: string) =>
    l10n.t("“{0}” isn't synced ({1}), so it won't be in the sandbox.", path, reason),
  requiredNotIncluded: (path: string, reason: string) =>
    l10n.t(
      "“{0}” isn't synced ({1}), so it won't be in the sandbox. Add it to the modal.sync.include setting, and then run again.",
      path,
      reason,
    ),
  requiredNeverSynced: (path: string, reason: string) =>
    l10n.t(
      "“{0}” can't be synced ({1}), so it won't be in the sandbox. Copy it into a folder that is synced, and run the copy.",
      path,
      reason,
    ),
  credentialNotSent: (path: string, reason: string) =>
    l10n.t("“{0}” isn't sent ({1}). If it isn't a credential, add it to the modal.sync.include setting.", path, reason),
  noSyncStatus: (path: string) => l10n.t('“{0}” has no sync status yet. Save the file, and then try again.', path),

  syncing: () => l10n.t('Syncing to the sandbox'),
  checking: () => l10n.t('Checking the sandbox for changes'),
  pulling: () => l10n.t('Pulling from the sandbox'),
  comparing: () => l10n.t('Comparing with the sandbox'),
  noSandbox: (folder: string) => l10n.t('No sandbox is running for “{0}”. Run a file first.', folder),
  nothingToPull: () => l10n.t('No changes to pull.'),
  nothingToPullButDeleted: (count: number) =>
    count === 1
      ? l10n.t('No changes to pull. 1 synced file was deleted in the sandbox. Your local copy was kept.')
      : l10n.t('No changes to pull. {0} synced files were deleted in the sandbox. Your local copies were kept.', count),
  pullTitle: () => l10n.t('Modal: Pull Files from Sandbox'),
  pullPrompt: () => l10n.t('Paths or .gitignore patterns, such as “results/*.csv”, separated by commas'),
  mirrored: (summary: string) => l10n.t('Mirrored: {0}.', summary),
  noExtraFiles: (summary: string) => l10n.t('The sandbox has no extra files. {0}.', summary),
  diffTitle: (path: string) => l10n.t('{0} (Local ↔ Sandbox)', path),

  reviewTitle: () => l10n.t('Modal: Pull Changes from Sandbox'),
  reviewPlaceholder: () => l10n.t('Select the changes to pull into this folder'),
  addedInSandbox: () => l10n.t('added in sandbox'),
  changedInSandbox: () => l10n.t('changed in sandbox'),
  showChanges: () => l10n.t('Show Changes'),

  liveSyncFailed: (reason: string) => l10n.t('Live sync: {0}', reason),
  liveSyncSkipped: (path: string, reason: string) => l10n.t("Live sync: “{0}” isn't sent ({1})", path, reason),
  largeFileWaits: (path: string, size: string, limit: string) =>
    l10n.t('“{0}” ({1}) will be sent with the next run. Live sync skips files over {2}.', path, size, limit),
  sendNow: () => l10n.t('Send Now'),
  sending: (path: string) => l10n.t('Sending “{0}”', path),
  sentFile: (path: string) => l10n.t('Sent “{0}” to the sandbox', path),
  sentChanges: (count: number) =>
    count === 1 ? l10n.t('Sent 1 change to the sandbox') : l10n.t('Sent {0} changes to the sandbox', count),
};
