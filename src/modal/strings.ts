import * as l10n from '@vscode/l10n';
import type { SandboxEnd } from './sandbox-ends.ts';

/** Messages about Modal: accounts, errors, sandboxes, volumes, and files. */
export const strings = {
  // Accounts
  configProfileLabel: (name: string) => l10n.t('profile {0}', name),
  environmentLabel: () => l10n.t('environment variables'),
  localModalLabel: () => l10n.t('Local Modal'),
  noAccount: () => l10n.t('No Modal account is selected.'),
  unreadableConfig: (reason: string) => l10n.t("Couldn't read the Modal config file: {0}.", reason),
  incompleteEnvironment: () =>
    l10n.t("MODAL_TOKEN_ID and MODAL_TOKEN_SECRET must both be set in VS Code's environment."),
  noStoredToken: (name: string) => l10n.t("You aren't signed in as {0}.", name),
  lostStoredToken: (name: string) =>
    l10n.t(
      'VS Code no longer has the token of {0}. Without a keyring, it forgets tokens when it closes. Sign in again, and then save the token in the Modal config file.',
      name,
    ),
  signInPageUnsafe: () => l10n.t('The server sent an unsafe address for the sign-in page. Nothing was opened.'),
  signInTimedOut: () => l10n.t("The sign-in wasn't completed in the browser in time. Sign in again."),
  noConfigProfile: (name: string, others: readonly string[]) =>
    others.length === 0
      ? l10n.t('The Modal config file has no profile “{0}”.', name)
      : l10n.t('The Modal config file has no profile “{0}”. It has: {1}.', name, others.join(', ')),
  noProfileOfVariable: (name: string, others: readonly string[]) =>
    others.length === 0
      ? l10n.t("MODAL_PROFILE is “{0}”, but the Modal config file has no profiles, so Modal's tools use none.", name)
      : l10n.t(
          "MODAL_PROFILE is “{0}”, which isn't in the Modal config file, so Modal's tools use no profile. The file has: {1}.",
          name,
          others.join(', '),
        ),
  wrongConfigValue: (name: string, key: string) =>
    l10n.t('In the Modal profile “{0}”, {1} must be text in quotation marks.', name, key),
  incompleteConfigProfile: (name: string) =>
    l10n.t('Modal profile “{0}” needs both token_id and token_secret, or OAuth credentials.', name),
  invalidTokenId: (prefix: string) => l10n.t('A token ID starts with “{0}” and has no spaces.', prefix),
  invalidTokenSecret: (prefix: string) => l10n.t('A token secret starts with “{0}” and has no spaces.', prefix),

  // Local Modal
  localModalNotResponding: () =>
    l10n.t("Local Modal started but isn't responding. Reload the window, and then run again."),
  localModalFailed: (reason: string, logPath: string) =>
    l10n.t("Local Modal couldn't start ({0}). See the log at {1}.", reason, logPath),
  localModalEnded: (logPath: string) =>
    l10n.t(
      'Local Modal has ended unexpectedly, and its sandboxes with it. Run again to restart it. See the log at {0}.',
      logPath,
    ),
  localModalFolderOfOther: (path: string) =>
    l10n.t("Local Modal's folder {0} belongs to another user. Remove it, and then run again.", path),
  localModalExited: (code: number) => l10n.t('exit code {0}', code),
  localModalTimedOut: (seconds: number) => l10n.t("Local Modal didn't start within {0} seconds. Run again.", seconds),

  // Proxy
  proxyInvalid: () => l10n.t("The proxy's address isn't a URL, so calls to Modal don't use it."),
  proxyUnsupported: (scheme: string) =>
    l10n.t(
      "Calls to Modal can use only HTTP proxies, so yours ({0}) isn't used. Set an http:// URL in http.proxy.",
      scheme,
    ),
  notVerified: () =>
    l10n.t(
      "Certificates of servers aren't verified, because http.proxyStrictSSL is off. Others in your network could read your token and your code.",
    ),
  noCertificates: (path: string) =>
    l10n.t(
      'The file that NODE_EXTRA_CA_CERTS names has no certificates ({0}). Set the variable to a PEM file, and then restart VS Code.',
      path,
    ),
  certificatesUnreadable: (path: string, reason: string) =>
    l10n.t(
      "Couldn't read the file that NODE_EXTRA_CA_CERTS names ({0}: {1}). Correct the variable, and then restart VS Code.",
      path,
      reason,
    ),

  // Commands in sandboxes
  noReason: () => l10n.t('no reason given'),
  cannotExecute: (program: string) =>
    l10n.t(
      "The sandbox can't run {0}, which runs and syncs require. Use a profile whose image has it. If a program removed it, replace the sandbox (“Modal: Replace Sandbox”).",
      program,
    ),

  // Sandboxes
  sandboxEnd: (end: SandboxEnd) => SANDBOX_ENDS[end](),
  stoppedAtStart: () => l10n.t('All sandboxes were stopped while this one was starting.'),
  endTimedOut: (seconds: number) =>
    l10n.t("Modal didn't confirm within {0} seconds that the sandbox stopped.", seconds),
  sandboxEnded: (end: SandboxEnd) => (SANDBOX_ENDED[end] ?? stoppedUnexpectedly)(),
  missingSecret: (name: string) =>
    l10n.t("Secret “{0}” doesn't exist in this account. Create it at modal.com/secrets, and then run again.", name),
  missingVolume: (name: string) =>
    l10n.t(
      "Volume “{0}” doesn't exist in this account. Create it, or set `createIfMissing` to true, and then run again.",
      name,
    ),

  noAnswer: (seconds: number) =>
    l10n.t(
      "The sandbox didn't answer within {0} seconds. Run again. If this continues, terminate the sandbox to start over.",
      seconds,
    ),
  answerTooLong: (limit: string) =>
    l10n.t(
      'The sandbox sent more than {0} where a shorter answer was expected, so the rest was ignored. One of its programs might have been replaced. Terminate the sandbox to start over.',
      limit,
    ),

  // Prices
  underUsd: (amount: string) => l10n.t('under {0}', amount),
  aboutUsd: (amount: string) => l10n.t('about {0}', amount),

  // Image builds
  buildTerminated: () => l10n.t('Modal stopped the build'),
  buildTimedOut: () => l10n.t('the build timed out'),
  buildOutOfMemory: () => l10n.t('the build ran out of memory'),
  buildFailed: (status: number) => l10n.t('the build ended with status {0}', status),

  // Files of sandboxes and volumes
  fileProblem: (path: string, message: string) => l10n.t('“{0}”: {1}', path, message),
  fileNotFound: (path: string) => l10n.t("“{0}” doesn't exist.", path),
  fileExists: (path: string) => l10n.t('“{0}” already exists.', path),
  isFolder: (path: string) => l10n.t('“{0}” is a folder.', path),
  isNotFolder: (path: string) => l10n.t("“{0}” isn't a folder.", path),
  notRegularFile: (path: string) =>
    l10n.t("“{0}” is a pipe, a socket, or a device, which can't be opened as a file. Read it in a terminal.", path),
  stoppedSending: (path: string) =>
    l10n.t('The sandbox stopped sending “{0}”. Check that its programs respond, and then try again.', path),
  cannotWrite: (path: string) => l10n.t("“{0}” can't be written in the sandbox.", path),
  sandboxFilesGone: () => l10n.t('The sandbox stopped, and its files are gone.'),
  programNotInstalled: (program: string) => l10n.t("{0} isn't installed in the sandbox's image.", program),
  tooLargeToRead: (path: string, maxMiB: number) =>
    l10n.t('“{0}” is too large to be read at once (limit: {1} MiB). Download it instead.', path, maxMiB),
  invalidFileName: (name: string, path: string) =>
    l10n.t("“{0}” in “{1}” isn't a valid file name on this computer. Rename it first.", name, path),

  // Search
  searchNeedsGrep: () => l10n.t("Search requires GNU grep, which this sandbox's image doesn't have."),
  searchFailed: (reason: string) => l10n.t('Search failed: {0}.', reason),
  searchTimedOut: () => l10n.t('it timed out'),

  // Volumes
  invalidVolumeName: () => l10n.t('Names can have 1 to 64 letters, digits, “.”, “_”, or “-”.'),
  volumeExists: (name: string) => l10n.t('Volume “{0}” already exists. Enter another name.', name),
  volumeGone: (name: string) => l10n.t("Volume “{0}” doesn't exist. It was deleted or renamed.", name),
  fileChangedWhileRead: (path: string, readBytes: number, bytes: number) =>
    l10n.t('“{0}” changed while it was being read ({1} of {2} bytes). Try again.', path, readBytes, bytes),
  fileChangedWhileSent: (path: string) => l10n.t('“{0}” changed while it was being sent. Try again.', path),
  blockNotDownloaded: (status: number) => l10n.t("Couldn't download a block of the file (HTTP {0}).", status),
  blockNotUploaded: (status: number) => l10n.t("Couldn't upload a block of the file (HTTP {0}).", status),
  tooLargeForVersion1: (path: string) =>
    l10n.t(
      "“{0}” is larger than 4 MiB. Version 1 volumes accept larger files only from Modal's own tools. Use “modal volume put”, or a version 2 volume.",
      path,
    ),
};

const SANDBOX_ENDS: Readonly<Record<SandboxEnd, () => string>> = {
  exited: () => l10n.t('exited'),
  failed: () => l10n.t('failed'),
  terminated: () => l10n.t('terminated'),
  timeout: () => l10n.t('timed out'),
  unstarted: () => l10n.t("couldn't start"),
  preempted: () => l10n.t('stopped by Modal'),
  idle: () => l10n.t('stopped when idle'),
};

const stoppedUnexpectedly = () =>
  l10n.t('The sandbox stopped unexpectedly, possibly because it ran out of memory. Run again to start a new one.');

const SANDBOX_ENDED: Readonly<Partial<Record<SandboxEnd, () => string>>> = {
  timeout: () =>
    l10n.t(
      'The sandbox reached its maximum lifetime and was stopped. Run again to start a new one. To allow more time, increase `timeoutMs` in the profile.',
    ),
  idle: () =>
    l10n.t(
      'The sandbox was stopped because it was idle. Run again to start a new one. To keep sandboxes longer, increase `idleTimeoutMs` in the profile.',
    ),
  terminated: () => l10n.t('The sandbox was terminated. Run again to start a new one.'),
  preempted: () =>
    l10n.t('Modal stopped the sandbox to free its machine, or because of a problem. Run again to start a new one.'),
};
