import * as l10n from '@vscode/l10n';

/** Messages about the files of sandboxes and volumes. */
export const strings = {
  openLocalFolderFirst: () =>
    l10n.t("Open a local folder first (“File: Open Folder…”). The sandbox's folder is added next to it."),
  folderName: (sandbox: string) => l10n.t('{0} (sandbox)', sandbox),
  folderNotAdded: () =>
    l10n.t("VS Code couldn't add the folder. Wait until it has added the previous one, and then try again."),
  confirmRestart: (running: string) =>
    l10n.t(
      "Adding a second folder restarts this window's extensions. This stops {0}; the sandbox keeps running.",
      running,
    ),
  restartAndOpen: () => l10n.t('Restart and Open'),

  selectSandboxFile: () => l10n.t('Select a file in a sandbox.'),
  noLocalFile: (path: string) => l10n.t('No local file corresponds to “{0}” in the sandbox.', path),
  noFileOpen: () => l10n.t('No file is open. Open a file, and then try again.'),
  noSandboxForFile: (name: string) => l10n.t('No sandbox is running for the folder of “{0}”. Run a file first.', name),
  noSandboxForFolder: (name: string) => l10n.t('No sandbox is running for folder “{0}”. Run a file first.', name),
  notInSandbox: (path: string) =>
    l10n.t("“{0}” doesn't exist in the sandbox. Sync the folder first (“Sync Folder to Sandbox”).", path),
  diffTitle: (name: string) => l10n.t('{0} (Sandbox ↔ Local)', name),

  confirmReplace: (name: string, folder: string) => l10n.t('Replace “{0}” in “{1}”?', name, folder),
  replace: () => l10n.t('Replace'),
  downloading: (name: string) => l10n.t('Downloading “{0}”', name),

  folderNotEmpty: (name: string) => l10n.t("Folder “{0}” isn't empty.", name),
  inactiveName: (name: string, shown: string) =>
    l10n.t(
      "“{0}” can't be created here because VS Code would act on it. Name it “{1}”, which is “{0}” in the sandbox or volume.",
      name,
      shown,
    ),
  inactive: (name: string) =>
    l10n.t("“{0}” in the sandbox or volume. It has another name here so that VS Code doesn't act on it.", name),
  noMoveBetween: () => l10n.t("Files can't be moved between volumes or sandboxes. Copy them instead."),

  sandboxGone: (folder: string) =>
    l10n.t(
      "The sandbox for folder “{0}” stopped, and its files are gone. Files shown in the Explorer can't be opened.",
      folder,
    ),
  removeFolder: () => l10n.t('Remove Folder'),

  searchTitle: (path: string) => l10n.t('Search in Sandbox: {0}', path),
  searchPlaceholder: () => l10n.t('Search text (case-sensitive if it contains capitals)'),
  noResults: () => l10n.t('No results'),
  noResultsInPart: () => l10n.t('No results in the files that could be searched'),
  firstResults: (count: string) => l10n.t('Showing the first {0} lines', count),
};
