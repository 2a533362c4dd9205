import * as l10n from '@vscode/l10n';

/** Messages of debug sessions. */
export const strings = {
  notAnAdapter: () =>
    l10n.t(
      "What the debugger sent isn't of the Debug Adapter Protocol. Check that the command starts an adapter that uses its standard input and output.",
    ),
  notPython: (name: string) =>
    l10n.t(
      "“{0}” isn't run by Python, so it can't be debugged. Run it without debugging, or set its program in launch.json.",
      name,
    ),
  notNode: (name: string) =>
    l10n.t(
      "“{0}” isn't run by Node.js, so it can't be debugged. Run it without debugging, or set its program in launch.json.",
      name,
    ),
  adapterSilent: (time: string) =>
    l10n.t(
      "The debugger didn't answer within {0}. Check that what was started is a debugger, and then debug again.",
      time,
    ),
  debuggerEnded: (exitCode: number, reason: string) =>
    l10n.t(
      'The debugger ended with code {0}: {1}. Check the image of the profile, and then debug again.',
      exitCode,
      reason,
    ),
  debuggerEndedSilently: (exitCode: number) =>
    l10n.t(
      'The debugger ended with code {0} before it did anything. Check its command, and then debug again.',
      exitCode,
    ),
  debuggerLost: () => l10n.t('The debugger ended unexpectedly, and the program with it. Debug again.'),
  installFailed: (reason: string) =>
    l10n.t(
      "debugpy couldn't be installed: {0}. Add it to the packages of the profile's image, and then debug again.",
      reason,
    ),
  canceled: () => l10n.t('Canceled.'),
  notInSandbox: (path: string) =>
    l10n.t("“{0}” isn't in the sandbox, because it's outside the synced folder (modal.sync.root).", path),

  notSynced: (reason: string) => l10n.t("Nothing stops here: this file isn't synced ({0}).", reason),
  notInSandboxYet: () =>
    l10n.t(
      "This file isn't in the sandbox, so nothing stops here. “Modal: Explain Sync Status” says whether it's synced.",
    ),

  // Kinds of exceptions to stop at
  raised: () => l10n.t('Raised Exceptions'),
  raisedDetail: () => l10n.t('Stop at every exception, even if the program handles it.'),
  uncaught: () => l10n.t('Uncaught Exceptions'),
  uncaughtDetail: () => l10n.t('Stop at exceptions that end the program.'),
  userUncaught: () => l10n.t('User Uncaught Exceptions'),
  userUncaughtDetail: () => l10n.t('Stop at exceptions that leave your own code.'),

  invalidVariableName: () => l10n.t('variable names can contain only letters, digits, and “_”'),
  programOrModule: () => l10n.t('specify exactly one of “program” and “module”, or “runtimeExecutable”'),
  unknownProperty: (name: string) =>
    l10n.t(
      'The launch configuration has an unknown property: {0}. Remove it from launch.json, and then debug again.',
      name,
    ),
  invalidProperty: (property: string, problem: string) =>
    l10n.t(
      "“{0}” in the launch configuration isn't valid: {1}. Fix it in launch.json, and then debug again.",
      property,
      problem,
    ),
  invalidLaunch: (problem: string) =>
    l10n.t("The launch configuration isn't valid: {0}. Fix it in launch.json, and then debug again.", problem),
};
