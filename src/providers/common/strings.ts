import * as l10n from '@vscode/l10n';

/** Messages that several features and views share. */
export const strings = {
  // Next steps after an error
  signIn: () => l10n.t('Sign In…'),
  chooseAccount: () => l10n.t('Choose Account…'),
  useLocalModal: () => l10n.t('Use Local Modal'),
  openConfigFile: () => l10n.t('Open Config File'),
  createToken: () => l10n.t('Create Token'),
  retry: () => l10n.t('Retry'),
  reloadWindow: () => l10n.t('Reload Window'),
  showLog: () => l10n.t('Show Log'),
  showServiceStatus: () => l10n.t('Show Service Status'),
  showUsage: () => l10n.t('Show Usage'),
  showSecrets: () => l10n.t('Show Secrets'),
  showSandboxes: () => l10n.t('Show Sandboxes'),
  replaceSandbox: () => l10n.t('Replace Sandbox'),
  chooseProfile: () => l10n.t('Choose Profile…'),
  showProfile: () => l10n.t('Show Profile'),
  chooseGpu: () => l10n.t('Choose Another GPU'),
  chooseRegion: () => l10n.t('Choose Another Region'),
  raiseTimeout: () => l10n.t('Raise Timeout'),
  raiseIdleTimeout: () => l10n.t('Raise Idle Timeout'),
  raiseMemory: () => l10n.t('Raise Memory'),
  explainSync: () => l10n.t('Explain Sync Status'),
  showProxySettings: () => l10n.t('Show Proxy Settings'),
  showLocalModalSettings: () => l10n.t('Show Local Modal Settings'),
  showBudgetSettings: () => l10n.t('Show Budget Settings'),
  trustWorkspace: () => l10n.t('Manage Workspace Trust'),
  openFolder: () => l10n.t('Open Folder…'),

  quoted: (name: string) => l10n.t('“{0}”', name),
  notSignedIn: () => l10n.t("You're not signed in to Modal. Sign in, or use Local Modal."),

  enterName: () => l10n.t('Enter a name.'),
  downloadTo: () => l10n.t('Download To'),
  selectFolder: () => l10n.t('Select Folder'),
  transferred: (done: string, total: string) => l10n.t('{0} of {1}', done, total),

  noFolderOpen: () => l10n.t('No folder is open. Open a folder (“File: Open Folder…”), and then try again.'),
  notTrusted: () =>
    l10n.t(
      "This workspace isn't trusted, so its files can't be synced or run. Trust it first (“Manage Workspace Trust”).",
    ),
  folderNotLocal: (name: string) =>
    l10n.t("“{0}” isn't on a local disk and can't be synced. Select another folder.", name),
  fileNotSaved: (name: string) =>
    l10n.t("“{0}” hasn't been saved. Save it in a workspace folder, and then run again.", name),
  fileNotLocal: (name: string, scheme: string) =>
    l10n.t(
      "“{0}” isn't on a local disk ({1}:) and can't be synced. Save a copy in the workspace, and then run again.",
      name,
      scheme,
    ),
  fileNotInWorkspace: (name: string) =>
    l10n.t("“{0}” isn't in a workspace folder. Open its folder (“File: Open Folder…”), and then run again.", name),
  fileNotInSyncRoot: (name: string) =>
    l10n.t('“{0}” is outside the synced folder (modal.sync.root). Change the setting, and then run again.', name),

  notSaved: (reason: string) =>
    l10n.t(
      "Sandboxes for Modal can't save its data ({0}). Everything still works, but when this window closes, it forgets what it synced, started, and spent. Free up disk space, and then reload the window.",
      reason,
    ),
};
