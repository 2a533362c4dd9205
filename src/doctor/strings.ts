import * as l10n from '@vscode/l10n';

/** What the doctor says. */
export const strings = {
  reportTitle: () => l10n.t('Modal: Doctor'),
  summary: (time: string, problems: number) =>
    problems === 0
      ? l10n.t('{0} UTC. No problems found.', time)
      : problems === 1
        ? l10n.t('{0} UTC. One problem found.', time)
        : l10n.t('{0} UTC. {1} problems found.', time, problems),
  check: (id: 'storage' | 'localModal' | 'proxy' | 'server' | 'clock' | 'account' | 'sandbox' | 'versions') =>
    ({
      storage: l10n.t('Storage'),
      localModal: l10n.t('Local Modal'),
      proxy: l10n.t('Proxy and certificates'),
      server: l10n.t('Connection'),
      clock: l10n.t('Clock'),
      account: l10n.t('Account'),
      sandbox: l10n.t('Sandbox'),
      versions: l10n.t('Versions'),
    })[id],

  canceled: () => l10n.t('Not checked, because the examination was canceled.'),
  notReached: () => l10n.t("Not checked, because there's no connection."),
  noAccountToReach: () => l10n.t('Not checked, because no account could be used.'),

  storageWorks: (free: string) => l10n.t('The extension can write its files. {0} are free.', free),
  littleSpace: (free: string) => l10n.t('The disk is nearly full ({0} are free). Free up space.', free),
  lostToken: () =>
    l10n.t(
      'VS Code has lost the token of an account, because this computer has no keyring. Sign in again, and save the token in ~/.modal.toml.',
    ),
  notReadBack: (folder: string) => l10n.t('A file in {0} has other content than was written.', folder),
  localModalUnused: () => l10n.t("Local Modal isn't in use."),

  notForLocalModal: () => l10n.t('Local Modal is on this computer and needs no proxy.'),
  noProxy: () =>
    l10n.t("No proxy is set. A proxy of the system's settings or of a PAC file isn't used; set it in http.proxy."),
  proxyWorks: (host: string) => l10n.t('The proxy {0} accepts connections.', host),
  proxyClosed: (host: string, reason: string) =>
    l10n.t("The proxy {0} doesn't accept connections ({1}). Check http.proxy and your network.", host, reason),
  noAnswer: () => l10n.t('no answer'),
  reachable: (host: string, duration: string) => l10n.t('{0} answered in {1}.', host, duration),
  noServerTime: () => l10n.t("Not checked, because the server didn't tell its time."),
  clockIsRight: () => l10n.t("This computer's time is that of the server."),
  clockAhead: (error: string) =>
    l10n.t("This computer's clock is {0} ahead. Set its date and time, and then try again.", error),
  clockBehind: (error: string) =>
    l10n.t("This computer's clock is {0} behind. Set its date and time, and then try again.", error),

  accountIsLocal: () => l10n.t('Local Modal is in use, which needs no account.'),
  accountWorks: (kind: string) => l10n.t('Modal accepts {0}.', kind),
  serverWarned: (versions: string, text: string) => l10n.t('{0}. Modal warns: {1}', versions, text),

  sandboxNotWanted: () => l10n.t('Not checked, because you chose to start no sandbox.'),
  sandboxWorks: (start: string, command: string, end: string) =>
    l10n.t('A sandbox started in {0}, ran a command in {1}, and ended in {2}.', start, command, end),
  sandboxLeft: (id: string) =>
    l10n.t("The sandbox {0} couldn't be ended. It's tried again, and the sandbox ends after five minutes.", id),
};
