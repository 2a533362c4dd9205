import * as l10n from '@vscode/l10n';

/** Messages about tests in the editor. */
export const strings = {
  controller: () => l10n.t('Sandbox Tests'),
  run: () => l10n.t('Run in Sandbox'),
  debug: () => l10n.t('Debug in Sandbox'),
  coverage: () => l10n.t('Run in Sandbox with Coverage'),
  shards: () => l10n.t('Run in Several Sandboxes…'),
  shardsTitle: () => l10n.t('Sandbox Tests: Run in Several Sandboxes'),
  shardsPlaceholder: (tests: number) => l10n.t('Select the number of sandboxes for {0} tests', tests),
  shardCount: (count: number) => l10n.t('{0} sandboxes', count),
  shardPrice: (price: string) => l10n.t('about {0} per hour together, while the tests run', price),
  shardFree: () => l10n.t('on this computer, without a price'),
  debugName: () => l10n.t('Tests in Sandbox'),
  cannotDebug: (name: string) => l10n.t("Tests of “{0}” can't be debugged in sandboxes. Run them instead.", name),
  noAccount: () => l10n.t('No account is chosen, so no test was run.'),
  branchTo: (line: number) => l10n.t('to line {0}', line),
  branchOut: () => l10n.t('out of the function'),
  missing: (name: string) => l10n.t("{0} isn't installed in the sandbox. Install it, and the tests continue.", name),
  missingOffline: (name: string) =>
    l10n.t(
      "{0} isn't installed in the sandbox, which has no network access. Add it to the packages of the profile's image, and then test again.",
      name,
    ),
  install: () => l10n.t('Install in This Sandbox'),
  addToImage: () => l10n.t("Add to the Profile's Image"),
  addedToImage: (name: string, profile: string) =>
    l10n.t('“{0}” was added to the image of profile “{1}”. Replace the sandbox, and then test again.', name, profile),
  installing: (name: string) => l10n.t('Installing {0} in the sandbox…', name),
  lens: () => l10n.t('Run Test in Sandbox'),
  lensTooltip: (name: string, profile: string) =>
    l10n.t('Run “{0}” in a sandbox with the profile “{1}”, and show its result in the Test Explorer', name, profile),
  discoveryFailed: (folder: string, reason: string) =>
    l10n.t("The tests of “{0}” couldn't be found: {1}", folder, reason),
  noTests: (folder: string) =>
    l10n.t(
      '“{0}” has no files of tests, such as test_main.py, or main.test.js with node:test. Add one, and then run the tests.',
      folder,
    ),
  skipped: (reason: string) => l10n.t('Skipped: {0}', reason),
  notRun: (count: number, reason: string) =>
    count === 1 ? l10n.t("1 test wasn't run. {0}", reason) : l10n.t("{0} tests weren't run. {1}", count, reason),
  expectedFailure: () => l10n.t('Failed as expected'),
  inSetup: (message: string) => l10n.t('In the setup: {0}', message),
  inTeardown: (message: string) => l10n.t('In the teardown: {0}', message),
};
