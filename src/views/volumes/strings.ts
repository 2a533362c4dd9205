import * as l10n from '@vscode/l10n';

/** Texts of the Volumes view. */
export const strings = {
  newVolume: () => l10n.t('New Volume'),
  renameVolume: () => l10n.t('Rename Volume'),
  volumeGone: (name: string) => l10n.t('Volume “{0}” no longer exists.', name),

  deleteVolume: (name: string) => l10n.t('Delete Volume “{0}”', name),
  deleteVolumePrompt: () =>
    l10n.t('This permanently deletes all files in the volume, for everyone who uses it. Type its name to confirm.'),
  nameMismatch: () => l10n.t("The name doesn't match."),
  volumeNotDeleted: (name: string) => l10n.t("“{0}” wasn't deleted because the name didn't match.", name),

  rename: (name: string) => l10n.t('Rename “{0}”', name),
  renaming: (name: string) => l10n.t('Renaming “{0}”…', name),
  copy: (name: string) => l10n.t('Copy “{0}”', name),
  copying: (name: string) => l10n.t('Copying “{0}”…', name),
  nameOfCopy: (name: string) => l10n.t('{0} copy', name),
  newFile: () => l10n.t('New File'),
  newFileName: () => l10n.t('untitled.txt'),
  newFolder: () => l10n.t('New Folder'),
  newFolderName: () => l10n.t('new folder'),
  pathPrompt: (volume: string) => l10n.t('Path in volume “{0}”', volume),
  pathWithoutName: () => l10n.t('The path must end with a name.'),
  pathExists: (path: string) =>
    l10n.t('“{0}” already exists in the volume. Choose another name, or delete it first.', path),

  delete: () => l10n.t('Delete'),
  deleteFile: (name: string, volume: string) =>
    l10n.t("Delete “{0}” from volume “{1}”? This can't be undone.", name, volume),
  deleteFolder: (name: string, volume: string) =>
    l10n.t("Delete “{0}” and its contents from volume “{1}”? This can't be undone.", name, volume),
  deleteFiles: (count: number, volume: string) =>
    l10n.t("Delete {0} files from volume “{1}”? This can't be undone.", count, volume),
  deleteEntries: (count: number, volume: string) =>
    l10n.t("Delete {0} files and folders and their contents from volume “{1}”? This can't be undone.", count, volume),
  deleting: (name: string) => l10n.t('Deleting “{0}”…', name),
  deletingEntries: (count: number) => l10n.t('Deleting {0} files and folders…', count),

  uploadTo: (volume: string) => l10n.t('Upload to “{0}”', volume),
  upload: () => l10n.t('Upload'),
  uploadingTo: (volume: string) => l10n.t('Uploading to “{0}”', volume),
  onlyLocalFiles: () => l10n.t('You can upload only local files. Save copies of the others first.'),
  movingTo: (folder: string) => l10n.t('Moving to “{0}”…', folder),
  downloading: (name: string) => l10n.t('Downloading “{0}”', name),
  downloaded: (names: string) => l10n.t('Downloaded {0}', names),
  reading: (folder: string) => l10n.t('Reading “{0}”…', folder),

  replace: () => l10n.t('Replace'),
  replaceInVolume: (names: string, volume: string) => l10n.t('Replace {0} in volume “{1}”?', names, volume),
  replaceInFolder: (names: string, folder: string) => l10n.t('Replace {0} in “{1}”?', names, folder),

  snapshotRecords: () => l10n.t('snapshot records'),
  version: (version: number) => l10n.t('version {0}', version),
  volumeTooltip: (id: string, version: number, created: string) =>
    l10n.t('{0}\nVersion {1}, created {2}', id, version, created),
  volumeLabel: (name: string, description: string) => l10n.t('Volume {0}, {1}', name, description),
  fileLabel: (name: string, description: string) => l10n.t('File {0}, {1}', name, description),
  folderLabel: (name: string, description: string) => l10n.t('Folder {0}, {1}', name, description),
  open: () => l10n.t('Open'),
  showMore: (count: string, total: string) => l10n.t('Show {0} more of {1}', count, total),
};
