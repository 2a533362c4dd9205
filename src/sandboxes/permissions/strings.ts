import * as l10n from '@vscode/l10n';

/** What profiles ask for, and why something wasn't started. The first group are lines of a list. */
export const strings = {
  keepWarm: (sandboxes: string, hardware: string, period: string) =>
    l10n.t('Keep {0} running {2} ({1})', sandboxes, hardware, period),
  keepWarmWithPrice: (sandboxes: string, hardware: string, period: string, price: string) =>
    l10n.t('Keep {0} running {2} ({1}, {3} per hour in total)', sandboxes, hardware, period, price),
  sandboxes: (count: number) => (count === 1 ? l10n.t('1 sandbox') : l10n.t('{0} sandboxes', count)),
  whileOpen: () => l10n.t('while VS Code is open'),
  whileFocused: () => l10n.t('while this window has focus'),
  workingHours: (hours: string) => l10n.t('from {0}, Monday to Friday', hours),
  testProfile: (schedule: string) => l10n.t('Start a sandbox {0} to test the profile', schedule),
  refreshSandboxes: (schedule: string) => l10n.t('Refresh warm sandboxes {0}', schedule),
  rebuildImage: (schedule: string) => l10n.t('Rebuild the image {0}', schedule),
  everyMinutes: (minutes: number) => (minutes === 1 ? l10n.t('every minute') : l10n.t('every {0} minutes', minutes)),
  onSchedule: (schedule: string) => l10n.t('on the schedule “{0}”', schedule),
  carryOver: (hardware: string) =>
    l10n.t('Move to a new sandbox before the maximum lifetime ends, so that it keeps running ({0})', hardware),
  carryOverWithPrice: (hardware: string, price: string) =>
    l10n.t(
      'Move to a new sandbox before the maximum lifetime ends, so that it keeps running ({0}, {1} per hour)',
      hardware,
      price,
    ),
  buildVariable: (name: string) => l10n.t("Read the variable {0} on this computer, for the image's build", name),
  taskVariable: (name: string) =>
    l10n.t('Read the variable {0} on this computer, and send its value to the sandbox', name),
  envFile: (path: string) => l10n.t('Read the environment file “{0}”, and set its variables in the sandbox', path),
  secret: (name: string) => l10n.t('Use the secret “{0}” in your account', name),
  registrySecret: (name: string, registry: string) =>
    l10n.t('Use the secret “{0}” in your account to sign in for {1}', name, registry),
  image: (name: string) => l10n.t('Use the image “{0}” in your account', name),
  readVolume: (name: string) => l10n.t('Read the volume “{0}” in your account', name),
  changeVolume: (name: string) => l10n.t('Read and change the volume “{0}” in your account', name),
  volumeFolder: (name: string, folder: string) => l10n.t('{0}:{1}', name, folder),
  publicPort: (port: number) => l10n.t("Open the sandbox's port {0} to the internet", port),
  portFor: (port: number, addresses: string) =>
    l10n.t("Open the sandbox's port {0} to the addresses {1}", port, addresses),
  copyFiles: (files: string, size: string, examples: string) =>
    l10n.t('Copy {0} ({1}) from this folder to the image or sandbox, such as {2}', files, size, examples),
  copyCredential: (path: string) => l10n.t('Copy “{0}”, which looks like a credential, to the image or sandbox', path),
  syncFolder: (size: string) => l10n.t('Sync this folder ({0} when you allowed it)', size),
  syncSubfolder: (folder: string, size: string) => l10n.t('Sync “{0}” ({1} when you allowed it)', folder, size),
  syncCredential: (path: string) => l10n.t('Sync “{0}”, which looks like a credential', path),

  notAllowedYet: (profile: string) =>
    l10n.t(
      "Profile “{0}” asks for something that you haven't allowed yet. Run a file, or “Modal: Review Folder Permissions…”, to be asked.",
      profile,
    ),
  refused: (profile: string, what: string) =>
    l10n.t(
      "Profile “{0}” needs something that you didn't allow ({1}). Select another profile, or run “Modal: Review Folder Permissions…”.",
      profile,
      what,
    ),
  taskRefused: (task: string, what: string) =>
    l10n.t(
      "Task “{0}” needs something that you didn't allow ({1}). To change your answer, run “Modal: Review Folder Permissions…”.",
      task,
      what,
    ),
  canceled: () => l10n.t('Nothing was started because you canceled.'),

  // Questions
  question: (profile: string, folder: string) =>
    l10n.t('Allow profile “{0}” in “{1}” to do the following?', profile, folder),
  line: (text: string) => l10n.t('• {0}', text),
  explanation: () =>
    l10n.t(
      "The files in this folder ask for this. Allow it only if you trust the people who wrote them. If you don't, no sandboxes are kept warm, and a run that needs something else from this list stops and tells you.",
    ),
  taskQuestion: (task: string, folder: string) =>
    l10n.t('Allow task “{0}” in “{1}” to do the following?', task, folder),
  taskExplanation: () =>
    l10n.t(
      "The files in this folder ask for this. Allow it only if you trust the people who wrote them. If you don't, the task doesn't start.",
    ),
};
