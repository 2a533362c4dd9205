import * as l10n from '@vscode/l10n';

/** Messages of the profile commands. */
export const strings = {
  chooseTitle: () => l10n.t('Modal: Choose Profile'),
  choosePlaceholder: (folder: string) => l10n.t('Used for new sandboxes in “{0}”', folder),
  newProfile: () => l10n.t('New Profile…'),
  notValid: () => l10n.t('not valid'),
  problemAndSource: (problem: string, source: string) => l10n.t('{0} ({1})', problem, source),
  pricePerHour: (price: string) => l10n.t('{0}/h', price),
  running: () => l10n.t('running'),
  warm: (count: number) => l10n.t('{0} warm', count),

  replace: () => l10n.t('Replace Sandbox'),
  stoppingSandbox: (profile: string) =>
    l10n.t('Stopping the sandbox for profile “{0}”. The next run starts a new one.', profile),
  noSandbox: (profile: string) =>
    l10n.t('No sandbox is running for profile “{0}”. The next run starts a new one.', profile),
  outdated: (profile: string) =>
    l10n.t('Profile “{0}” changed. Its sandbox still uses the previous settings.', profile),

  mountTitle: (volume: string, profile: string) => l10n.t('Mount “{0}” in Profile “{1}”', volume, profile),
  mountPrompt: () => l10n.t('The mount path in sandboxes'),
  mountPathProblem: () => l10n.t('Enter an absolute path, such as /mnt/data.'),
  mountInSettings: (profile: string, setting: string) =>
    l10n.t('Profile “{0}” is defined in the modal.profiles setting. Add {1} there.', profile, setting),

  nameStep: () => l10n.t('Modal: New Profile (1/3)'),
  namePrompt: () => l10n.t('Profile name, such as “gpu”'),
  nameExists: (name: string) => l10n.t('Profile “{0}” already exists.', name),
  imageStep: () => l10n.t('Modal: New Profile (2/3)'),
  imagePlaceholder: () => l10n.t('Select a base image'),
  baseImage: () => l10n.t('Base Image'),
  baseImageDescription: (pythonVersion: string) => l10n.t('Debian, Python {0}, git, curl, a compiler', pythonVersion),
  dockerfileDescription: () => l10n.t('in this folder'),
  baseImageWith: (file: string) => l10n.t('Base Image with {0}', file),
  baseImageWithDescription: () => l10n.t("includes this folder's Python packages"),
  registryTag: () => l10n.t('Registry Tag…'),
  registryTagDescription: () => l10n.t('such as pytorch/pytorch'),
  registryTagPrompt: () => l10n.t('Enter a registry tag'),
  hardwareStep: () => l10n.t('Modal: New Profile (3/3)'),
  hardwarePlaceholder: () => l10n.t('Select hardware (prices are estimates)'),
  aboutPerHour: (price: string) => l10n.t('about {0}/h', price),
  unknownPrice: () => l10n.t('unknown price'),
  baseImageInList: () => l10n.t('base image'),
  pythonBaseImageInList: (pythonVersion: string) => l10n.t('base image, Python {0}', pythonVersion),

  problem: (key: string, message: string) => l10n.t('“{0}” {1}.', key, message),
  problemWithSuggestion: (key: string, message: string) => l10n.t('“{0}” {1}', key, message),
};
