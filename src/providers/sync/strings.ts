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

  looksLikeCredential: (pattern: string) => l10n.t('looks like a credential: “{0}”', pattern),
  excludedByDefault: (pattern: string) => l10n.t('“{0}” is excluded by default', pattern),
  ruleOfSource: (source: string, pattern: string) => l10n.t('{0}: “{1}”', source, pattern),
  ruleOfLine: (line: number, source: string, pattern: string) =>
    l10n.t('line {0} of {1}: “{2}”', line, source, pattern),
  appliesTo: (reason: string, folder: string) => l10n.t('{0}; applies to “{1}”', reason, folder),

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

  confirmSync: (files: string, size: string) =>
    l10n.t('Sync {0} ({1}) from this folder to a Modal sandbox?', files, size),
  folderLine: (path: string, files: string, size: string) => l10n.t('{0}: {1}, {2}', path, files, size),
  crowded: (files: string, path: string) =>
    l10n.t(
      "{0} are in “{1}”. If programs don't need them, select Cancel, add “{1}/” to .modalignore, and then run again.",
      files,
      path,
    ),
  thisFolder: () => l10n.t('(this folder)'),
  excluded: () => l10n.t('Excluded:'),
  excludedLine: (paths: string, rule: string) => l10n.t('{0} ({1})', paths, rule),
  ruleInFile: (rule: string, file: string) => l10n.t('{0} in {1}', rule, file),
  andMore: (paths: string, count: number) => l10n.t('{0} and {1} more', paths, count),
  credentialsNotSent: (paths: string) => l10n.t('Not sent because they look like credentials: {0}', paths),
  credentialsSent: () => l10n.t('Sent although they look like credentials, because a rule names them:'),
  confirmCredentials: () => l10n.t('Send files that look like credentials to the sandbox?'),
  credentialsExplanation: () =>
    l10n.t(
      "This folder's own rules (.modalignore or modal.sync.include) name them. Everything else is synced either way.",
    ),
  dontSend: () => l10n.t("Don't Send"),
  andMoreFiles: (count: number) => l10n.t('… and {0} more', count),
  sync: () => l10n.t('Sync'),
  confirmLargeFiles: () => l10n.t('Send very large files to the sandbox?'),
  largeFileLine: (path: string, size: string) => l10n.t('{0}: {1}', path, size),
  send: () => l10n.t('Send'),
  confirmDeletions: (deleted: number, all: number) => l10n.t('Delete {0} of {1} files in the sandbox?', deleted, all),
  deletionExamples: (paths: string) => l10n.t('They no longer exist in this folder, for example {0}.', paths),
  deleteInSandbox: () => l10n.t('Delete in Sandbox'),
  confirmOverwrite: () => l10n.t('Overwrite files changed by a program in the sandbox?'),
  overwrite: () => l10n.t('Overwrite'),
  confirmMirror: (count: number) =>
    count === 1
      ? l10n.t('Delete 1 file that exists only in the sandbox?')
      : l10n.t('Delete {0} files that exist only in the sandbox?', count),
  confirmSensitivePull: () => l10n.t('Pull files that affect what programs on your computer run?'),
  pull: () => l10n.t('Pull'),
  confirmHugePull: (files: string, size: string) =>
    l10n.t('The pull has received {0} ({1}) so far. Receive the rest?', files, size),
  hugePullDetail: () => l10n.t("The sandbox hasn't sent everything yet. What was received is kept in any case."),
  pullRest: () => l10n.t('Receive'),
};
