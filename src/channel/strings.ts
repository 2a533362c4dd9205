import * as l10n from '@vscode/l10n';

/** Messages about connections into a sandbox. */
export const strings = {
  noLanguage: () =>
    l10n.t(
      "The sandbox's image has neither Python 3 nor Node.js nor Perl, and connections into a sandbox need one of them. Add one to the image, such as with `apt-get install python3`, and then try again.",
    ),
  helperDidntStart: (exitCode: number) =>
    l10n.t(
      "Couldn't start the program for connections into the sandbox (exit code {0}). Check that its image has a working shell and Python 3, Node.js, or Perl, and then try again.",
      exitCode,
    ),
  helperEnded: () => l10n.t('The program for connections into the sandbox has ended. Try again.'),
  helperNotUnderstood: () =>
    l10n.t(
      'The program for connections into the sandbox sent something unexpected, so it was stopped. Try again, or start a new sandbox.',
    ),
  windowWasAsleep: () => l10n.t('The computer was asleep, so the connections into the sandbox were ended. Try again.'),
  channelClosed: (reason: string) => l10n.t('{0}: the connection was closed.', reason),
  tooManyStreams: (count: number) =>
    l10n.t('The sandbox already has {0} connections. Close some, and then try again.', count),
  nulInText: () => l10n.t('Arguments, variables, and paths must not contain NUL characters.'),
  requestTooLong: () => l10n.t('The command line or environment is too long. Pass the data in a file instead.'),

  refused: (target: string) => l10n.t('Nothing in the sandbox listens on {0}.', target),
  hostNotFound: (target: string) => l10n.t("The sandbox doesn't know the host of {0}.", target),
  notFound: (target: string) => l10n.t("{0} doesn't exist in the sandbox.", target),
  denied: (target: string) => l10n.t("The sandbox's user doesn't have permission for {0}.", target),
  unreachable: (target: string) => l10n.t("The sandbox can't reach {0}.", target),
  reset: (target: string) => l10n.t('{0} closed the connection.', target),
  failed: (target: string, code: string) => l10n.t('{0} failed in the sandbox ({1}).', target, code),
  portForwarding: () => l10n.t('Port forwarding'),
  portOf: (port: number) => l10n.t('port {0}', port),
  processOf: (pid: number) => l10n.t('process {0}', pid),
};
