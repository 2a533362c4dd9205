import * as l10n from '@vscode/l10n';

/** Messages about tests in sandboxes. */
export const strings = {
  canceled: () => l10n.t('The test run was canceled.'),
  endedBySignal: (signal: string) =>
    l10n.t("The test runner was ended by {0}. If memory was short, raise the profile's “memoryMiB”.", signal),
  endedEarly: (code: number) =>
    l10n.t('The test runner ended early, with exit code {0}. The output of the run may say why.', code),
  failedToStart: (code: number) =>
    l10n.t('The test runner ran no tests, and ended with exit code {0}. The output of the run says why.', code),
  notStarted: () =>
    l10n.t(
      "The test runner didn't start this test. Its options or an earlier test may have ended the run, or the test isn't there any more.",
    ),
  brokenFile: () => l10n.t("The tests of this file couldn't be run because of an error in it."),
  processEnded: () => l10n.t('The process of this test ended before the test did.'),
  fileEnded: (code: number) => l10n.t("The process of this file's tests ended with exit code {0}.", code),
  fileEndedBySignal: (signal: string) =>
    l10n.t(
      "The process of this file's tests was ended by {0}. If memory was short, raise the profile's “memoryMiB”.",
      signal,
    ),
  unsuitable: (needs: string, found: string) =>
    l10n.t(
      'The tests need {0}, and the sandbox has {1}. Use another image in the profile, and then test again.',
      needs,
      found,
    ),
  notPrepared: () =>
    l10n.t("The sandbox can't keep the test runner's results, because /tmp or the synced folder isn't writable there."),
  debuggingEnded: () => l10n.t('The debug session ended before the test did.'),
  installFailed: (reason: string) =>
    l10n.t("The packages couldn't be installed: {0}. Add them to the profile's image, and then test again.", reason),
  shardsStarted: (count: number, seconds: number) =>
    l10n.t('Started {0} sandboxes from one snapshot in {1} s', count, seconds),
  shard: (number: number, count: number, tests: number) =>
    l10n.t('Sandbox {0} of {1}, with {2} of the selected tests:', number, count, tests),
  noRunner: (name: string) =>
    l10n.t(
      "{0} isn't installed in the sandbox. Add it to the packages of the profile's image, and then test again.",
      name,
    ),
};
