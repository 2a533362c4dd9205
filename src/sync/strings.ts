import * as l10n from '@vscode/l10n';
import { strings as formats } from '../base/strings.ts';
import { visibleName } from '../base/text.ts';

/** Messages about syncing. */
export const strings = {
  // Errors
  folderMissing: (root: string) =>
    l10n.t(
      "Folder {0} doesn't exist. The sandbox wasn't changed. Open the folder again, or mount its disk, and then run again.",
      visibleName(root),
    ),
  rootTooBroad: (root: string) =>
    l10n.t(
      "{0} contains more than one project and isn't synced. Open a project's folder, or set modal.sync.root.",
      visibleName(root),
    ),
  rulesUnreadable: (file: string) =>
    l10n.t("{0} can't be read, so it's unknown what it excludes. Make the file readable.", visibleName(file)),
  toolMissing: (tool: string) =>
    l10n.t("The sandbox's image doesn't have {0}, which syncing requires. Use a profile with another image.", tool),
  tooLittleSpace: (free: string, needed: string) =>
    l10n.t(
      "The sandbox doesn't have enough space for the workspace: {0} free, {1} needed. Exclude files that the run doesn't need in .modalignore, or free up space in the sandbox.",
      free,
      needed,
    ),
  sandboxDiskFull: () =>
    l10n.t(
      "The sandbox's disk is full, so nothing was changed. Free up space in the sandbox, or exclude files that the run doesn't need in .modalignore, and then run again.",
    ),
  kindConflict: (path: string) =>
    l10n.t(
      'The sandbox has a folder where the workspace has a file, or vice versa: {0}. Remove it in the sandbox, and then run again.',
      visibleName(path),
    ),
  linkInTheWay: (path: string) =>
    l10n.t(
      '{0} is a link in the sandbox, so nothing was deleted behind it. Remove the link, and then run again.',
      visibleName(path),
    ),
  keepsChanging: () =>
    l10n.t(
      'Another window keeps changing the same folder in the sandbox. Wait until it has finished syncing, and then run again.',
    ),
  connectionLost: () => l10n.t('The connection was lost before everything was sent. Nothing was changed. Run again.'),
  applyFailed: (reason: string, folder: string) =>
    l10n.t(
      "The workspace couldn't be written in the sandbox ({0}). Check the folder {1} there, or terminate the sandbox to start over.",
      reason,
      visibleName(folder),
    ),
  processStopped: () => l10n.t('the process was stopped'),
  listFailed: (folder: string) =>
    l10n.t(
      "Couldn't list the files in {0}. Run again when no program is changing them, or terminate the sandbox to start over.",
      visibleName(folder),
    ),
  listTooLong: () =>
    l10n.t('The list of files in the sandbox is too long to be read. Terminate the sandbox to start over.'),
  pullInterrupted: () => l10n.t('The connection was lost. Files received so far were kept. Pull again for the rest.'),
  notArchive: () =>
    l10n.t(
      "The pull was stopped: what the sandbox sent isn't a tar archive. Its tar may have been replaced. Files received so far were kept.",
    ),
  pullOutside: (path: string) =>
    l10n.t("{0} is outside the workspace and can't be pulled. Specify a path inside it.", visibleName(path)),
  tooManyEntries: (limit: number) => l10n.t('The pull was stopped: it has more than {0} files and folders.', limit),
  engineDisposed: () => l10n.t('Syncing was stopped.'),
  threadStopped: () => l10n.t('The sync thread stopped unexpectedly.'),

  // Errors after a question that wasn't answered with yes
  syncDeclined: () => l10n.t("The folder wasn't synced because you didn't confirm. Run again to be asked."),
  largeFileDeclined: (path: string) =>
    l10n.t(
      '{0} is too large to send without confirmation. Exclude it in .modalignore, or keep it in a Modal volume.',
      visibleName(path),
    ),
  deletionDeclined: (deletes: number, total: number) =>
    l10n.t(
      'The sync would delete {0} of {1} files in the sandbox, so it was stopped. Run again and confirm, or terminate the sandbox to start over.',
      deletes,
      total,
    ),
  overwriteDeclined: () =>
    l10n.t("Files that a program changed in the sandbox weren't overwritten. Pull them, or run again and confirm."),
  mirrorDeclined: () => l10n.t("The sandbox wasn't changed."),
  hugePullDeclined: (files: number) =>
    l10n.t(
      "The pull was stopped because you didn't confirm that it's this large. What was received so far ({0}) was kept.",
      formats.files(files),
    ),
  sensitivePullDeclined: () => l10n.t("Files that affect what programs on your computer run weren't pulled."),

  // Why a file isn't synced, shown in parentheses after its path
  cannotRead: () => l10n.t("can't be read: permission denied"),
  driveDisconnected: () => l10n.t("can't be read: the network drive is no longer connected"),
  driveFailed: () => l10n.t("can't be read: the disk or network drive reported an error"),
  notUtf8: () => l10n.t("name isn't valid UTF-8"),
  notSyncableKind: () => l10n.t('not a file, folder, or link'),
  linkToExcluded: (target: string) => l10n.t("link to {0}, which isn't synced", visibleName(target)),
  linkOutside: (target: string) => l10n.t('link to {0}, outside the folder', visibleName(target)),
  replacedWhileRead: () => l10n.t('replaced while it was being read'),
  keptChanging: () => l10n.t('kept changing; the copy may be inconsistent'),

  // Why a file isn't pulled, shown in parentheses after its path
  pathOutside: () => l10n.t('outside the folder'),
  windowsName: () => l10n.t("name isn't allowed on Windows"),
  notRequested: () => l10n.t('not requested'),
  neverSynced: () => l10n.t('never synced'),
  unsupportedFormat: () => l10n.t('sent in a format that is not supported'),
  /** `type` is tar's name for it, such as `fifo`. */
  unsupportedType: (type: string) => l10n.t('not a file, folder, or link ({0})', type),
  linkTo: (target: string) => l10n.t('link to {0}', visibleName(target)),
  duplicateName: () => l10n.t('duplicate name'),
  parentNotFolder: (path: string) => l10n.t("{0} isn't a folder on this computer", visibleName(path)),
  afterEnd: () => l10n.t('after the end of the archive'),
  diskFull: () => l10n.t('the disk is full'),

  // Rules that no file contains
  includedByDefault: () => l10n.t('not excluded by any rule'),
  tracked: () => l10n.t('tracked by Git'),
  versionControl: () => l10n.t('version control data is never synced'),
  ownState: () => l10n.t("the sync's own data"),
  beingPulled: () => l10n.t('a file that is being pulled'),
  virtualEnvironment: () => l10n.t('a Python environment (it contains pyvenv.cfg)'),

  // Why a file is synced or not
  looksLikeCredential: (pattern: string) => l10n.t('looks like a credential: “{0}”', pattern),
  excludedByDefault: (pattern: string) => l10n.t('“{0}” is excluded by default', pattern),
  ruleOfSource: (source: string, pattern: string) => l10n.t('{0}: “{1}”', source, pattern),
  ruleOfLine: (line: number, source: string, pattern: string) =>
    l10n.t('line {0} of {1}: “{2}”', line, source, pattern),
  appliesTo: (reason: string, folder: string) => l10n.t('{0}; applies to “{1}”', reason, folder),

  // Questions
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
