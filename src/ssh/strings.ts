import * as l10n from '@vscode/l10n';

/** Messages about SSH. Those of the relay appear in a terminal, before ssh's own. */
export const strings = {
  noClient: () =>
    l10n.t("OpenSSH's client isn't installed, or isn't on the PATH of VS Code. Install it, and then try again."),
  folderOfOther: (path: string) =>
    l10n.t("“{0}” belongs to another user, so keys for SSH can't be kept there. Remove it, and then try again.", path),
  unknownHost: (name: string) =>
    l10n.t("“{0}” isn't a sandbox that SSH is set up for. Run “Modal: Set Up SSH Hosts” in VS Code.", name),
  noSandbox: (title: string) =>
    l10n.t(
      'No sandbox is running for “{0}”. Start one in VS Code, such as by running a file, and then try again.',
      title,
    ),
  starting: (title: string) => l10n.t('Starting the sandbox for “{0}”…', title),
  unused: (duration: string) =>
    l10n.t(
      'The SSH connection was closed, because it had not been used for {0} and no program was running in it.',
      duration,
    ),
  noLocalModal: () => l10n.t("Local Modal isn't running. Open a window of VS Code that uses it, and then try again."),
  noWindow: () =>
    l10n.t(
      'The token for this sandbox is in VS Code, and no window of it is open. Open the folder in VS Code, and then try again.',
    ),
  noServer: () =>
    l10n.t(
      'The sandbox\'s image has no SSH server. Add `"ssh": true` to its profile, or run “Modal: Open in SSH…” in VS Code, which can install one.',
    ),
  notWritable: (reason: string) => l10n.t("Couldn't prepare the SSH server in the sandbox: {0}.", reason),
  serverDidntStart: (reason: string) => l10n.t("The SSH server in the sandbox didn't start: {0}.", reason),
  notUnderstood: () =>
    l10n.t("The sandbox's answer wasn't understood. Check that its image has a working shell, and then try again."),
  noReason: () => l10n.t('no reason was given'),
  outdatedRelay: () =>
    l10n.t('Sandboxes for Modal was updated or removed. Open a window of VS Code, and then try again.'),
  noUser: (reason: string) => l10n.t("Couldn't find the sandbox's user: {0}.", reason),
  installFailed: (reason: string) => l10n.t("Couldn't install the SSH server in the sandbox: {0}.", reason),
};
