import * as l10n from '@vscode/l10n';
import { strings as formats } from '../base/strings.ts';

/** Messages of runs, most of which appear in the terminal. */
export const strings = {
  // Arguments
  openQuote: () => l10n.t('A quote, backslash, or bracket in the arguments has no end. Add it.'),
  shellOperator: (char: string) =>
    l10n.t(
      'In a shell, {0} has a meaning of its own. To pass it to the program, put it in quotes. To redirect output, use a task.',
      char,
    ),

  startingSandbox: () => l10n.t('Starting a sandbox…'),
  startedSandbox: (id: string, account: string, duration: string) =>
    l10n.t('Started sandbox {0} on {1} in {2}', id, account, duration),
  usingWarmSandbox: (id: string) => l10n.t('Using warm sandbox {0}', id),
  usingEarlierSandbox: (id: string) => l10n.t('Using sandbox {0} from an earlier window', id),
  resumedSandbox: (ago: string, id: string, duration: string) =>
    l10n.t('Resumed from {0}, in sandbox {1}, in {2}', ago, id, duration),
  freshBecauseProfile: (profile: string) =>
    l10n.t(
      'Starts without the files of the sandbox before, because profile “{0}” or what you allow it changed',
      profile,
    ),
  freshBecauseImage: () =>
    l10n.t("Starts without the files of the sandbox before, because the profile's image changed"),
  freshBecauseRefused: () =>
    l10n.t('Starts without the files of the sandbox before, because no sandbox could be started with them'),
  freshBecauseLost: () => l10n.t("Starts without the files of the sandbox before, because they weren't saved"),
  profileChanged: (profile: string) =>
    l10n.t('Profile “{0}” changed after this sandbox started. To apply it, run “Modal: Replace Sandbox”.', profile),
  sandboxStopped: () => l10n.t('The sandbox stopped. Starting a new one'),

  syncing: () => l10n.t('Syncing…'),
  workspaceKeptChanging: () =>
    l10n.t(
      'The workspace in the sandbox kept changing during the sync. Stop the program that writes to it, and then run again.',
    ),
  upToDate: (duration: string) => l10n.t('Up to date ({0})', duration),
  synced: (changes: string, duration: string) => l10n.t('Synced {0} in {1}', changes, duration),
  withSize: (what: string, size: string) => l10n.t('{0} ({1})', what, size),
  files: (count: number) => formats.files(count),
  deletions: (count: number) => formats.deletions(count),
  withoutEnvFile: (path: string) =>
    l10n.t("The environment file “{0}” isn't used because you didn't allow it (Review Folder Permissions…).", path),
  credentialsNotSent: (paths: string) => l10n.t('Not sent because they look like credentials: {0}', paths),
  overwritten: (paths: string) => l10n.t('Overwrote changes made in the sandbox: {0}', paths),
  released: (paths: string) => l10n.t('No longer synced, kept in the sandbox: {0}', paths),
  writtenThroughLinks: (paths: string) => l10n.t('Written through links in the sandbox: {0}', paths),
  movedAside: (paths: string) => l10n.t('Renamed in the sandbox to make room for yours: {0}', paths),
  largeFiles: (paths: string) =>
    l10n.t('Large files, sent again after each change (exclude them in .modalignore): {0}', paths),
  leftOut: (paths: string) =>
    l10n.t(
      'Not synced, because programs can usually create it again: {0}. To sync it, add it to the modal.sync.include setting',
      paths,
    ),
  gitDataLeftOut: (paths: string) =>
    l10n.t(
      'Not synced, because it is the data of a Git repository and may contain tokens: {0}. If a program needs it, clone it in the sandbox',
      paths,
    ),
  danglingLinks: (paths: string) =>
    l10n.t('Links whose targets rules exclude, so that they lead nowhere in a new sandbox: {0}', paths),
  lfsPointers: (paths: string) =>
    l10n.t(
      'Sent without their contents, which are in Git LFS but not on this computer: {0}. To get them, run “git lfs pull”',
      paths,
    ),
  crowded: (folder: string) =>
    l10n.t("Most of the files are in {0}. If programs don't need them, add it to .modalignore to sync faster", folder),
  unmatchedInclude: (patterns: string) => l10n.t('Nothing matches in modal.sync.include: {0}', patterns),
  unmatchedExclude: (patterns: string) => l10n.t('Nothing matches in modal.sync.exclude: {0}', patterns),
  notSynced: (path: string, reason: string) => l10n.t('Not synced: {0} ({1})', path, reason),
  moreNotSynced: (count: number) => l10n.t('Not synced: {0} more', count),
  andMore: (list: string, count: number) => l10n.t('{0}, and {1} more', list, count),

  checkingForChanges: (files: number) => l10n.t('Checking for changes… {0}', formats.files(files)),
  /** Fits a line of a terminal. */
  waitingForDrive: () => l10n.t('Waiting for the drive… Check the connection of a network drive, or cancel.'),
  unpacking: () => l10n.t('Unpacking in the sandbox…'),
  sending: (files: number, size: string, speed: string, path: string) =>
    l10n.t('Sending {0}, {1}, {2}/s: {3}', formats.files(files), size, speed, path),
  receiving: (files: number, size: string, speed: string, path: string) =>
    l10n.t('Receiving {0}, {1}, {2}/s: {3}', formats.files(files), size, speed, path),
  sizeOfTotal: (size: string, total: string) => l10n.t('{0} of {1}', size, total),

  mayStillRun: () =>
    l10n.t("The program didn't stop and might still be running. To make sure that it ends, terminate the sandbox."),
  connectionLost: () => l10n.t('Connection lost. Reconnecting…'),
  reconnected: () => l10n.t('Reconnected'),
  skippingOutput: (size: string) => l10n.t('Interrupted. Skipping earlier output: {0}…', size),
  skippedOutput: (size: string) => l10n.t('{0} of earlier output skipped', size),

  folderNotInSandbox: (path: string) =>
    l10n.t("Folder {0} doesn't exist in the sandbox. Check that it isn't excluded, and then run again.", path),
  commandTooLong: (limit: number) =>
    l10n.t('The command with its arguments is longer than {0} characters. Pass long values in a file.', limit),
  programNotInstalled: (name: string) =>
    l10n.t(
      "{0} isn't installed in the sandbox's image. Use another profile, or add it to the profile's image, and then run again.",
      name,
    ),
  commandLineNotRun: (line: string) =>
    l10n.t(
      'There is no program “{0}” in the sandbox. To run a command line, use a task with “script”, or of type “shell”.',
      line,
    ),
  environmentNotSynced: (path: string, name: string) =>
    l10n.t(
      "{0} isn't in the sandbox. Environments such as .venv and node_modules are made for one computer and aren't synced. Run {1} from the sandbox's image instead, with packages that the profile's `image` adds, or create the environment with the profile's `setup`.",
      path,
      name,
    ),
  programNotSynced: (path: string) =>
    l10n.t(
      "{0} isn't in the sandbox. Check that it exists and is synced (“Modal: Explain Sync Status”), and then run again.",
      path,
    ),
  noProgramInstalled: (names: string) =>
    l10n.t(
      "None of these programs are installed in the sandbox's image: {0}. Use another profile, or add one of them to the profile's image, and then run again.",
      names,
    ),

  pulling: () => l10n.t('Pulling…'),
  outputsNotPulled: (reason: string) => l10n.t("The program finished, but its outputs couldn't be pulled. {0}", reason),
  pulled: (files: number) => l10n.t('Pulled {0}', formats.files(files)),
  alreadyUpToDate: (count: number) => l10n.t('{0} already up to date', count),
  changedOnBothSides: (count: number, copy: string) =>
    count === 1
      ? l10n.t("1 changed on both sides (the sandbox's version was saved as {0})", copy)
      : l10n.t("{0} changed on both sides (the sandbox's versions were saved next to yours, such as {1})", count, copy),
  affectLocalPrograms: (count: number) =>
    count === 1
      ? l10n.t('1 skipped because it affects programs on your computer')
      : l10n.t('{0} skipped because they affect programs on your computer', count),
  rejected: (count: number, path: string, reason: string) =>
    count === 1
      ? l10n.t('1 rejected: {0} ({1})', path, reason)
      : l10n.t('{0} rejected, such as {1} ({2})', count, path, reason),
  unmatched: (patterns: string) => l10n.t('nothing in the sandbox matches {0}', patterns),
  notInSandbox: (count: number) => l10n.t('{0} not in the sandbox', count),

  canceled: () => l10n.t('Canceled.'),
  exited: (exitCode: number) => l10n.t('Exited with code {0}', exitCode),
  exitedBySignal: (exitCode: number, signal: string) => l10n.t('Exited with code {0} ({1})', exitCode, signal),
  startTime: (duration: string) => l10n.t('start {0}', duration),
  syncTime: (duration: string) => l10n.t('sync {0}', duration),
  firstOutputTime: (duration: string) => l10n.t('first output {0}', duration),
  runTime: (duration: string) => l10n.t('run {0}', duration),
  exit: (exitCode: number) => l10n.t('exit {0}', exitCode),
  stillRunning: () => l10n.t('running'),
  wasCanceled: () => l10n.t('canceled'),
  lostWithWindow: () => l10n.t('lost with its window'),

  costTitle: (month: string) => l10n.t('Cost of runs in {0}', month),
  costTotal: (cost: string, runs: number, time: string) =>
    runs === 1
      ? l10n.t('About **{0}** for 1 run of {1} (estimated).', cost, time)
      : l10n.t('About **{0}** for {1} runs of {2} in total (estimated).', cost, runs, time),
  costChart: () => l10n.t('Estimated cost by day and profile'),
  noCosts: () => l10n.t('No run of this month has an estimated cost.'),
  byProfile: () => l10n.t('By profile'),
  byDay: () => l10n.t('By day'),
  costProfile: () => l10n.t('Profile'),
  costDay: () => l10n.t('Day'),
  costRuns: () => l10n.t('Runs'),
  costTime: () => l10n.t('Time'),
  costShare: () => l10n.t('Share'),
  costAmount: () => l10n.t('Cost'),
  noProfile: () => l10n.t('(no profile)'),
  otherProfiles: () => l10n.t('(others)'),
  costBasis: () => l10n.t('How this is estimated'),
  costOfRun: () =>
    l10n.t(
      "Each run counts from its start to its end, at the hourly price of its profile's hardware that was known then. Runs at the same time in one sandbox each count in full.",
    ),
  costMissing: () =>
    l10n.t(
      'Not included: the time that sandboxes are idle between runs, warm sandboxes, image builds, storage, use above what the profile reserves, other computers, and runs whose records were deleted or are older than 90 days.',
    ),
  costUnpriced: (count: number) =>
    count === 1
      ? l10n.t('1 run without a price, such as on Local Modal, is not included.')
      : l10n.t('{0} runs without a price, such as on Local Modal, are not included.', count),
  costOfModal: (link: string) => l10n.t("What you pay is on Modal's own page: {0}.", link),

  tokenInTask: (name: string) =>
    l10n.t(
      'The task contains the value of {0}, a token of a Modal account, which is never sent to a sandbox. Remove it from tasks.json, and then run again.',
      name,
    ),
  pathNotInSandbox: (path: string) =>
    l10n.t(
      "“{0}” isn't in the sandbox, because it's outside the synced folder (modal.sync.root). Change the setting or the task, and then run again.",
      path,
    ),
  invalidTask: (problem: string) =>
    l10n.t("The task isn't valid: {0}. Fix it in tasks.json, and then run again.", problem),
  invalidTaskProperty: (property: string, problem: string) =>
    l10n.t("“{0}” in the task isn't valid: {1}. Fix it in tasks.json, and then run again.", property, problem),
  invalidVariableName: () => l10n.t('variable names can contain only letters, digits, and “_”'),
  oneKindOfTask: () => l10n.t('specify exactly one of “file”, “command”, or “script”'),
  invalidRegExp: () => l10n.t("isn't a valid regular expression"),

  sessionSandboxStopped: () => l10n.t('The sandbox stopped. Run the selection again.'),
  sessionClosed: () => l10n.t('The process no longer accepts code. Restart it (“Modal: Restart Interactive Session”).'),
  sessionIdle: (duration: string) => l10n.t('Stopped after {0} of inactivity so that the sandbox can stop.', duration),
};
