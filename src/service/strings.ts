import * as l10n from '@vscode/l10n';

/** Messages of the product without a window. */
export const strings = {
  // Settings
  invalidAccountSetting: () =>
    l10n.t('The modal.account setting must be "local", "environment", "profile:NAME", or "token:NAME".'),
  invalidAppSetting: () => l10n.t('The modal.app setting must be 1 to 64 letters, digits, “.”, “_”, or “-”.'),
  invalidSetting: (name: string, problem: string) => l10n.t("The modal.{0} setting isn't valid ({1}).", name, problem),
  unreadableSettings: (path: string, problem: string) =>
    problem === ''
      ? l10n.t("{0} isn't an object with settings. Fix it, and then try again.", path)
      : l10n.t("{0} isn't valid JSON ({1}). Fix it, and then try again.", path, problem),

  // Accounts
  tokenOfEditor: (name: string) =>
    l10n.t(
      'Only VS Code has the token of {0}. Run “modal token new”, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET.',
      name,
    ),

  // Questions
  startOverBudget: (summary: string) => l10n.t('{0}. Start a sandbox anyway?', summary),
  answerInAdvance: (kind: string) => l10n.t('No one could be asked. To answer in advance, allow or deny “{0}”.', kind),

  // Folders, profiles, and sandboxes
  folderMissing: (path: string) => l10n.t("The folder {0} doesn't exist. Name another one.", path),
  noSandbox: (folder: string, profile: string) =>
    l10n.t('No sandbox is running for “{0}” with profile “{1}”. Run something to start one.', folder, profile),
  invalidBuildArgument: (text: string) =>
    l10n.t('“{0}” must have the form KEY=VALUE, such as gpu=h100 or cpu=2.', text),
  invalidBuildArguments: (texts: string, problem: string) =>
    l10n.t("The values {0} can't be used: {1}. Change them, and then run again.", texts, problem),

  // Requests
  commandEmpty: () => l10n.t('The command is empty. Specify a program.'),
  fileMissing: (file: string) => l10n.t("{0} doesn't exist. Check the path, and then run again.", file),
  fileUnreadable: (file: string) => l10n.t("{0} can't be read. Specify a file that you may read.", file),
  fileNotSynced: (path: string, reason: string) =>
    l10n.t(
      "“{0}” isn't synced ({1}), so it won't be in the sandbox. Add it to modal.sync.include in .vscode/settings.json, and then run again.",
      path,
      reason,
    ),
  fileNeverSynced: (path: string, reason: string) =>
    l10n.t(
      "“{0}” can't be synced ({1}), so it won't be in the sandbox. Run a copy in a folder that is synced.",
      path,
      reason,
    ),
  credentialNotSent: (name: string) =>
    l10n.t("“{0}” isn't sent, because it looks like a credential. Run a copy with another name.", name),
  copyOfOutsideFile: (name: string) => l10n.t('“{0}” is outside the folder, so a copy runs', name),
  noRunner: (name: string, key: string) =>
    l10n.t(
      'Nothing is known to run “{0}” with. Add “{1}” to modal.runners in .vscode/settings.json, or run its program with “exec”.',
      name,
      key,
    ),
};
