// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of environment files
import * as l10n from '@vscode/l10n';

/**
 * Messages about profiles. Those under "Values" continue a sentence that starts with a key, such as “gpu must be …”. The
 * descriptions of the keys are in the schemas.
 */
export const strings = {
  // Values
  variableName: () => l10n.t('must be a valid variable name (letters, digits, and “_”)'),
  modalToken: () => l10n.t('must not be a token of a Modal account, which is never sent'),
  pathInFolder: () => l10n.t('must be a path inside the workspace folder'),
  objectName: () => l10n.t('must be 1 to 64 letters, digits, “.”, “_”, or “-”'),
  maxLifetime: (ms: number) => l10n.t("must be at most {0} (24 hours), which is Modal's limit", ms),
  wholeSeconds: () => l10n.t('must be in whole seconds, such as 60000'),
  addressRange: () => l10n.t('must be an address range, such as "10.0.0.0/8"'),
  maxGpus: (gpu: string, count: number) => l10n.t('must be at most {0}:{1}', gpu, count),
  gpuCount: (gpu: string) => l10n.t('must have a count of 1 or more after the colon, such as “{0}:2”', gpu),
  unknownGpu: (suggestion: string) => l10n.t('must be a GPU type that Modal offers (did you mean “{0}”?)', suggestion),
  gpus: () => l10n.t('must be a GPU type such as “T4” or “T4:2”, or a list of them'),
  snapshotId: () => l10n.t('must be a snapshot ID, such as "im-…"'),
  pythonVersion: () => l10n.t('must be a Python version, such as "3.12"'),
  oneBase: (other: string) => l10n.t("can't be used with “{0}”: an image has one base", other),
  requires: (key: string) => l10n.t('requires “{0}”', key),
  slash: () => l10n.t('must start with “/”'),
  mountPathSlash: () => l10n.t("must start with “/” because it's a path in the sandbox"),
  reservedMountPath: (path: string) => l10n.t("can't be a mount path: the sandbox needs its own {0}", path),
  volume: () => l10n.t('must be a volume name, or a name and a path, such as "data:/models"'),
  mountedTwice: () => l10n.t('is mounted twice'),
  mountedOverHostVolume: () =>
    l10n.t('is the mount path of the host volume. Use another path, or set “hostVolume” to false'),
  keepWithWarm: () => l10n.t('must be “never” for warm sandboxes, which start from the image'),
  idleTimeoutTooLong: () => l10n.t('must not be longer than “timeoutMs”'),
  limitTooLow: (key: string) => l10n.t('must not be less than “{0}”', key),
  offlinePorts: () => l10n.t("can't be public with “offline”: set their visibility to “private”"),
  offlineAllowlist: () => l10n.t("can't be used with “offline”: there's no network access to allow"),
  publicPortsOnly: () => l10n.t("can't be used with a private port, which carries any protocol"),
  privatePortsOnly: () => l10n.t('requires “visibility”: “private”'),
  duplicatePort: (port: number) => l10n.t('lists port {0} twice', port),
  unknownDefault: () => l10n.t('must be the name of a profile'),
  timeZone: () => l10n.t('must be a time zone, such as "Europe/Berlin"'),
  schedule: () => l10n.t('must be a number of minutes or a five-field cron expression, such as "*/30 * * * *"'),
  scheduleNeverComes: () => l10n.t('must be a date that exists'),
  workingHours: () => l10n.t('must be hours with a different start and end, such as "08:00-18:00"'),
  wrongType: () => l10n.t('has the wrong type'),
  typeString: () => l10n.t('must be a string'),
  typeNumber: () => l10n.t('must be a number'),
  typeInteger: () => l10n.t('must be an integer'),
  typeBoolean: () => l10n.t('must be true or false'),
  typeArray: () => l10n.t('must be a list'),
  typeObject: () => l10n.t('must be an object'),
  unknownKeys: (keys: readonly string[]) =>
    keys.length === 1
      ? l10n.t('has an unknown key: {0}', keys[0] ?? '')
      : l10n.t('has unknown keys: {0}', keys.join(', ')),
  oneOf: (values: string) => l10n.t('must be one of {0}', values),
  min: (value: number) => l10n.t('must be at least {0}', value),
  minLength: (length: number) =>
    length === 1 ? l10n.t('must not be empty') : l10n.t('must have at least {0} characters', length),
  minEntries: (count: number) =>
    count === 1 ? l10n.t('must not be empty') : l10n.t('must have at least {0} entries', count),
  max: (value: number) => l10n.t('must be at most {0}', value),
  maxLength: (length: number) => l10n.t('must have at most {0} characters', length),
  maxEntries: (count: number) => l10n.t('must have at most {0} entries', count),

  // Problems in modal.json
  invalidJson: (code: string) => l10n.t("isn't valid JSON ({0})", code),
  unknownKey: () => l10n.t("isn't a known key"),
  misspelledKey: (suggestion: string) => l10n.t("isn't a known key (did you mean “{0}”?)", suggestion),
  missingFile: (path: string) => l10n.t("names “{0}”, which doesn't exist in the workspace folder", path),
  changeTo: (text: string) => l10n.t('Change to “{0}”', text),

  // Profiles
  invalid: () => l10n.t("it isn't valid"),
  it: () => l10n.t('it'),
  nonexistent: () => l10n.t("doesn't exist"),
  unknownProfile: (name: string, names: string, file: string) =>
    l10n.t("Profile “{0}” doesn't exist. Use one of {1}, or add it to {2}.", name, names, file),
  invalidProfile: (name: string, problem: string, file: string) =>
    l10n.t("Profile “{0}” isn't valid: {1}. Fix it in {2}, and then run again.", name, problem, file),
  invalidProfileInSettings: (name: string, problem: string) =>
    l10n.t("Profile “{0}” isn't valid: {1}. Fix it in the modal.profiles setting, and then run again.", name, problem),
  unusableModalFile: (file: string, problem: string) => l10n.t('{0} {1}. Fix it, and then run again.', file, problem),
  unreadable: (file: string) => l10n.t("Couldn't read {0}. Check its permissions, and then try again.", file),
  unreadableEnvFile: (path: string) =>
    l10n.t("Couldn't read the environment file “{0}”. Create it, or remove `envFile` from the profile.", path),
  envFileEncoding: (path: string) => l10n.t('“{0}” is neither UTF-8 nor UTF-16 text. Save it as UTF-8.', path),
  // Names and values may be parts of secrets, so these name only the line.
  envFileLine: (path: string, line: number) =>
    l10n.t('Line {1} of “{0}” sets no variable. Write NAME=value, or start the line with “#”.', path, line),
  envFileName: (path: string, line: number) =>
    l10n.t(
      'Line {1} of “{0}” has a name with other characters than letters, digits, and “_”. Rename the variable.',
      path,
      line,
    ),
  envFileQuote: (path: string, line: number) =>
    l10n.t('The value on line {1} of “{0}” has no closing quotation mark. Add it.', path, line),
  envFileAfterQuote: (path: string, line: number) =>
    l10n.t(
      'The value on line {1} of “{0}” continues after its closing quotation mark. Quote all of it, and put “\\” before each quotation mark in it.',
      path,
      line,
    ),
  envFileReference: (path: string, line: number) =>
    l10n.t(
      "Line {1} of “{0}” refers to a variable that neither a line above it nor the profile's `env` sets. Set it there, or write '${NAME:-default}'.",
      path,
      line,
    ),
  envFileValueTooLong: (path: string, line: number, name: string) =>
    l10n.t('The value of {2} on line {1} of “{0}” is longer than 128 KiB. Shorten it.', path, line, name),
  missingBuildVariable: (name: string) =>
    l10n.t(
      "The image's build needs the variable {0}, which is neither in the environment file nor set on this computer. Set it, or remove it from `buildSecrets`.",
      name,
    ),

  // Hardware
  smallestHardware: () => l10n.t("CPU, Modal's smallest"),
  gpuAlternatives: (gpus: readonly string[]) => gpus.reduce((all, gpu) => l10n.t('{0} or {1}', all, gpu)),
  cores: (count: number) => (count === 1 ? l10n.t('1 core') : l10n.t('{0} cores', count)),
  offline: () => l10n.t('offline'),

  // A new modal.json
  newFileComment: () => l10n.t('Sandbox profiles. Press Ctrl+Space to see all keys.'),
};
