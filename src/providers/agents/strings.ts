import * as l10n from '@vscode/l10n';

/** Messages about agents. */
export const strings = {
  serverOf: (folder: string) => l10n.t('Modal sandboxes ({0})', folder),
  connectTitle: () => l10n.t('Connect an Agent'),
  chooseClient: () => l10n.t("Select the program that the agent runs in. You'll see the change before it's made."),
  addEntry: (path: string) => l10n.t('Add the sandboxes of this extension to {0}?', path),
  addEntryDetail: (entry: string) =>
    l10n.t(
      "{0}\nEverything else in the file stays. The paths are those of this computer, so don't commit the file as it is.",
      entry,
    ),
  add: () => l10n.t('Add'),
  connected: (client: string, path: string) =>
    l10n.t(
      '{0} finds the sandboxes in {1} the next time it starts. Agents get a sandbox and a budget of their own, and ask before they spend money.',
      client,
      path,
    ),
  alreadyConnected: (path: string) => l10n.t('The sandboxes are in {0} already.', path),
  showPermissions: () => l10n.t('Show Permissions'),
  openFile: () => l10n.t('Open File'),
  leadsOutside: (path: string) => l10n.t("{0} is a link that leads out of the folder, so it isn't changed.", path),
  tokenOfEditor: () =>
    l10n.t(
      "Other programs can't use the token that you signed in with in VS Code. Run `modal token set`, or choose an account from Modal's config file, and then try again.",
    ),
  policyHeader: () => l10n.t('What agents may do without asking you. Without these lines, nothing.'),
};
