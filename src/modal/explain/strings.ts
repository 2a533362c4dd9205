import * as l10n from '@vscode/l10n';

/** What went wrong, with the reason that was given, and what to do. */
export const strings = {
  withSignInHint: (message: string) => l10n.t('{0} Sign in, or use Local Modal.', message),
  canceled: () => l10n.t('Canceled.'),
  unexpected: (reason: string) =>
    l10n.t('An unexpected error occurred ({0}). Try again. For details, see the log (“Modal: Show Log”).', reason),

  // Accounts
  noCredentials: () => l10n.t('The Modal account has no token. Sign in, or use Local Modal.'),
  tokenRejected: (reason: string) =>
    l10n.t(
      "Modal didn't accept the token ({0}). Select another account, or create a token at modal.com/settings/tokens.",
      reason,
    ),
  permissionDenied: (reason: string) =>
    l10n.t("Your account doesn't have permission ({0}). Ask the workspace's owner, or select another account.", reason),

  // Connections
  unreachable: (reason: string) =>
    l10n.t("Couldn't reach Modal ({0}). Check your network connection, and then try again.", reason),
  offline: (reason: string) =>
    l10n.t(
      "Couldn't reach Modal ({0}). You might be offline. Check your network connection, and then try again.",
      reason,
    ),
  connectionRefused: (reason: string) =>
    l10n.t(
      "Couldn't reach Modal ({0}). Check your network connection, your firewall, and MODAL_SERVER_URL if you set it, and then try again.",
      reason,
    ),
  connectionReset: (reason: string) => l10n.t('The connection was interrupted ({0}). Try again.', reason),
  connectionTimedOut: (reason: string) =>
    l10n.t("Modal didn't respond ({0}). Check your network connection, VPN, and firewall, and then try again.", reason),
  proxyRefused: (proxy: string) =>
    l10n.t(
      "The proxy {0} didn't open a connection to Modal. Allow modal.com in the proxy, or add it to the no_proxy environment variable. Then restart VS Code.",
      proxy,
    ),
  proxyUnreachable: (reason: string) =>
    l10n.t(
      "Couldn't reach Modal ({0}). Check that the proxy is running, and its address in the http.proxy setting or the environment, and then try again.",
      reason,
    ),
  certificateDate: (reason: string) =>
    l10n.t(
      "The server's certificate isn't valid at this time ({0}). Check this computer's date and time, and then try again.",
      reason,
    ),
  certificateUntrusted: (reason: string) =>
    l10n.t(
      "The server's certificate isn't trusted ({0}). If your network inspects traffic, set NODE_EXTRA_CA_CERTS to the file with its certificate, and then restart VS Code.",
      reason,
    ),
  certificateOfOther: (reason: string) =>
    l10n.t(
      "The server's certificate is for another address ({0}). Check MODAL_SERVER_URL and your network, and then try again.",
      reason,
    ),
  timedOut: (reason: string) =>
    l10n.t("Modal didn't respond in time ({0}). Try again. If this continues, see status.modal.com.", reason),
  internal: (reason: string) =>
    l10n.t('Modal had an internal error ({0}). Try again. If this continues, see status.modal.com.', reason),
  unimplemented: (reason: string) =>
    l10n.t("The server doesn't support this ({0}). Update Sandboxes for Modal, and then try again.", reason),
  tooLarge: (reason: string) =>
    l10n.t('A message was larger than Modal accepts ({0}). Send less at once, for example in several files.', reason),

  // Limits
  exhausted: (reason: string) =>
    l10n.t(
      "Modal has no capacity right now, or you've reached a limit of your plan ({0}). Wait a moment, and then try again.",
      reason,
    ),
  noGpu: (reason: string) =>
    l10n.t(
      'Modal has no such GPU available right now ({0}). Try again later, or use another GPU or a list of several in the profile.',
      reason,
    ),
  gpuLimit: (reason: string) =>
    l10n.t(
      "You've reached your plan's limit on GPUs ({0}). Stop sandboxes that you don't need, or request a higher limit from Modal.",
      reason,
    ),
  sandboxLimit: (reason: string) =>
    l10n.t(
      "You've reached your plan's limit on running sandboxes ({0}). Stop sandboxes that you don't need, or upgrade your plan.",
      reason,
    ),
  volumeLimit: (reason: string) =>
    l10n.t("You've reached a limit on volumes ({0}). Delete files or volumes that you don't need.", reason),
  spendLimit: (reason: string) =>
    l10n.t(
      "Your Modal workspace has reached its spending limit ({0}). Raise it in the workspace's settings, or use Local Modal.",
      reason,
    ),
  tooManyRequests: (reason: string) =>
    l10n.t('Too many requests were sent to Modal ({0}). Wait a moment, and then try again.', reason),

  // What a request refers to
  notFound: (reason: string) =>
    l10n.t("Modal couldn't find what was requested ({0}). It might have stopped or been deleted. Try again.", reason),
  secretNotFound: (reason: string) =>
    l10n.t(
      "A secret that the profile uses doesn't exist ({0}). Create it at modal.com/secrets, and then try again.",
      reason,
    ),
  environmentNotFound: (reason: string) =>
    l10n.t(
      "The Modal environment doesn't exist ({0}). Check `environment` in the Modal config file, or MODAL_ENVIRONMENT.",
      reason,
    ),
  appNotFound: (reason: string) =>
    l10n.t(
      "The Modal app doesn't exist or was stopped ({0}). Check the modal.app setting, and then try again.",
      reason,
    ),
  volumeNotFound: (reason: string) =>
    l10n.t(
      "The volume doesn't exist ({0}). Create it, or set `createIfMissing` in the profile, and then try again.",
      reason,
    ),
  imageNotFound: (reason: string) =>
    l10n.t(
      "The image or snapshot doesn't exist ({0}). It might have expired or been deleted. Select another one, or check the profile's image.",
      reason,
    ),
  exists: (reason: string) => l10n.t('The name is already in use ({0}). Use another one.', reason),
  invalid: (reason: string) =>
    l10n.t("Modal didn't accept the request ({0}). Check the profile, and then try again.", reason),
  unknownGpu: (reason: string) =>
    l10n.t("Modal doesn't have this GPU ({0}). Specify another one in the profile's `gpu`.", reason),
  unknownRegion: (reason: string) =>
    l10n.t("Modal doesn't have this region or cloud ({0}). Specify another one in the profile.", reason),
  conflict: (reason: string) => l10n.t('Something else changed the same resource ({0}). Try again.', reason),
  notPossibleNow: (reason: string) =>
    l10n.t("Modal can't do this in the current state ({0}). Try again. For details, see the log.", reason),

  // Sandboxes
  sandboxStopped: (reason: string) => l10n.t('The sandbox stopped ({0}). Run again to start a new one.', reason),
  outOfMemory: (reason: string) =>
    l10n.t('The sandbox ran out of memory ({0}). Increase `memoryMiB` in the profile, and then run again.', reason),
  commandTimedOut: (reason: string) =>
    l10n.t('A command in the sandbox took too long and was stopped ({0}). Try again.', reason),
  sandboxFileFailed: (reason: string) =>
    l10n.t('A file operation in the sandbox failed ({0}). Check the path, and then try again.', reason),
  clientClosed: () => l10n.t('The connection to the sandbox was closed. Run again.'),

  // Image builds
  imageBuildFailed: (message: string) => l10n.t("{0} Check the profile's image.", message),
  imageBuildInterrupted: (reason: string) =>
    l10n.t('Modal stopped the image build ({0}). Run again to repeat it.', reason),
  imageBuildTimedOut: (reason: string) =>
    l10n.t('The image build took too long ({0}). Split it into smaller steps, and then run again.', reason),

  // This computer
  fileExists: (reason: string) =>
    l10n.t('A file or folder with this name already exists ({0}). Rename or delete it, and then try again.', reason),
  diskFull: (reason: string) => l10n.t('The disk is full ({0}). Free up space, and then try again.', reason),
  quotaExceeded: (reason: string) =>
    l10n.t("You've used up your disk quota ({0}). Delete files that you don't need, and then try again.", reason),
  fileAccessDenied: (reason: string) =>
    l10n.t(
      "You don't have permission to use a file or folder ({0}). Check its permissions, and then try again.",
      reason,
    ),
  readOnly: (reason: string) =>
    l10n.t('The file system is read-only ({0}). Use a folder that you can write to, and then try again.', reason),
  tooManyOpenFiles: (reason: string) =>
    l10n.t(
      'Too many files are open on this computer ({0}). Close programs, or raise the limit (“ulimit -n”), and then restart VS Code.',
      reason,
    ),
  fileMissing: (reason: string) =>
    l10n.t("A file or folder doesn't exist ({0}). It might have been moved or deleted. Try again.", reason),
  notAFile: (reason: string) =>
    l10n.t('Expected a file, but found a folder ({0}). Rename or move it, and then try again.', reason),
  notAFolder: (reason: string) =>
    l10n.t('Expected a folder, but found a file ({0}). Rename or move it, and then try again.', reason),
  nameTooLong: (reason: string) =>
    l10n.t('A file name or path is too long for this computer ({0}). Shorten it, and then try again.', reason),
  fileBusy: (reason: string) =>
    l10n.t('Another program is using a file ({0}). Close it there, and then try again.', reason),
  linkLoop: (reason: string) => l10n.t('Symbolic links lead in a circle ({0}). Remove one of them.', reason),
  diskFailed: (reason: string) =>
    l10n.t('The disk or network drive reported an error ({0}). Check it, and then try again.', reason),
  driveDisconnected: (reason: string) =>
    l10n.t('The network drive is no longer connected ({0}). Reconnect it, and then try again.', reason),
  folderNotEmpty: (reason: string) => l10n.t("The folder isn't empty ({0}). Empty it first.", reason),
  outOfLocalMemory: (reason: string) =>
    l10n.t('This computer is out of memory ({0}). Close programs, and then try again.', reason),
  portInUse: (reason: string) =>
    l10n.t('Another program is using the port ({0}). Stop it, or use another port.', reason),
  invalidData: (path: string, problem: string) =>
    l10n.t(
      'Data has an unexpected format (“{0}”: {1}). Update Sandboxes for Modal, and then try again.',
      path,
      problem,
    ),
  invalidValue: (problem: string) =>
    l10n.t('Data has an unexpected format ({0}). Update Sandboxes for Modal, and then try again.', problem),
  damagedFile: (reason: string) =>
    l10n.t(
      "A file that should contain JSON can't be read ({0}). For details, see the log (“Modal: Show Log”).",
      reason,
    ),
};
