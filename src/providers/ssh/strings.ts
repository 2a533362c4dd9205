import * as l10n from '@vscode/l10n';

/** Messages about SSH in the window. */
export const strings = {
  noSandboxForFolder: (name: string) => l10n.t('No sandbox is running for folder “{0}”. Run a file first.', name),
  starting: (title: string) => l10n.t('Starting the sandbox of “{0}” for an SSH connection', title),
  connecting: () => l10n.t('Looking for the SSH server in the sandbox'),

  noServer: () => l10n.t("The sandbox's image has no SSH server."),
  install: () => l10n.t('Install in Sandbox'),
  addToProfile: () => l10n.t('Add to Profile'),
  installing: () => l10n.t('Installing the SSH server in the sandbox'),
  addedToProfile: (profile: string) =>
    l10n.t('Profile “{0}” now has an SSH server. Replace its sandbox, and then try again.', profile),

  confirmInclude: (path: string) => l10n.t('Add a line to “{0}”?', path),
  includeDetail: () =>
    l10n.t(
      'The line includes the SSH hosts of your sandboxes, so that “ssh”, “scp”, “rsync”, “git”, and other editors know them. Nothing else in the file changes. “Modal: Remove SSH Hosts” removes it.',
    ),
  addLine: () => l10n.t('Add Line'),
  hosts: (hosts: string) => l10n.t('You can now connect with “ssh” to {0}.', hosts),
  noHosts: () => l10n.t('No sandbox with an SSH server is running. Run a file first.'),
  removed: () => l10n.t('The SSH hosts of sandboxes were removed.'),
  preparing: () => l10n.t('Setting up SSH hosts'),

  copied: (command: string) => l10n.t('Copied “{0}”', command),
  noRemoteSsh: (command: string) =>
    l10n.t(
      'To open the sandbox in its own window, install the extension Remote - SSH. You can also connect with “{0}”.',
      command,
    ),
  copyCommand: () => l10n.t('Copy Command'),
};
