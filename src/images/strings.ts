import * as l10n from '@vscode/l10n';
import { strings as formats } from '../base/strings.ts';

/** Messages about image builds. Those about a Dockerfile's line follow its position, as in `Dockerfile:3: …`. */
export const strings = {
  layerFailed: (title: string, place: string, reason: string) =>
    l10n.t("Couldn't build the image: “{0}” ({1}) failed: {2}.", title, place, reason),
  noOutput: () => l10n.t('no output'),
  notOnModal: (name: string, place: string) =>
    l10n.t("“{0}” ({1}) doesn't exist on Modal. It may have been deleted.", name, place),
  buildSecretUnset: (variable: string) =>
    l10n.t(
      "`image.buildSecrets` lists {0}, which isn't set. Set it on this computer or in the profile's `envFile`.",
      variable,
    ),
  envLineBreak: (variable: string) =>
    l10n.t(
      "`image.env` sets {0} to a value with a line break, which images don't support. Set it in the profile's own `env`.",
      variable,
    ),

  basePackages: () => l10n.t('base: system packages'),
  basePythonPackages: () => l10n.t('base: Python packages'),
  baseFolders: () => l10n.t('base: folders'),
  sshServer: () => l10n.t('SSH server'),
  packages: (tool: string, names: string) => l10n.t('{0}: {1}', tool, names),
  packagesAndMore: (tool: string, names: string, more: number) => l10n.t('{0}: {1} and {2} more', tool, names, more),
  localBase: () =>
    l10n.t(
      "The base image's packages aren't installed because Local Modal uses the programs installed on your computer.",
    ),
  buildingInOtherWindow: () => l10n.t('Another window is building this layer.'),

  fileMissing: (path: string, place: string) => l10n.t("{0} ({1}) doesn't exist.", path, place),
  fileUnreadable: (path: string, place: string, code: string) =>
    l10n.t("{0} ({1}) can't be read ({2}).", path, place, code),
  credentialsNotCopied: (paths: string) => l10n.t('Not copied because they look like credentials: {0}', paths),
  credentialNotRead: (path: string, place: string) =>
    l10n.t("{0} ({1}) looks like a credential, so it isn't sent. Use another file.", path, place),
  fileChanged: (path: string) => l10n.t('{0} changed while it was being copied into the image. Run again.', path),
  copiedFiles: (title: string, files: number, size: string) =>
    l10n.t('{0} ({1}, {2})', title, formats.files(files), size),
  stageFilesGone: () => l10n.t("The stage's files no longer exist."),
  requirementsOutsideFolder: (path: string) =>
    l10n.t('{0} is outside the folder. Include only files in the folder.', path),
  variableInRequirements: (place: string, line: string) =>
    l10n.t('{0} includes a file by a variable ({1}), whose value is unknown. Write the path.', place, line),
  unsupportedPackageFile: (name: string) =>
    l10n.t(
      "{0} can't be used for `pipFrom`. Use a requirements file, pyproject.toml, pylock.toml, or uv.lock. Most tools can export one of them.",
      name,
    ),
  localRequirement: (place: string, line: string) =>
    l10n.t(
      "{0} refers to local files ({1}), which don't exist when the image is built. Remove the line. Your code is synced instead.",
      place,
      line,
    ),

  sizeWithinLimit: (size: number, limit: number) =>
    l10n.t('Size: {0} MB (within the {1} MB recommended for base images)', size, limit),
  sizeAboveLimit: (size: number, limit: number) =>
    l10n.t('Size: {0} MB ({1} MB or more; the first sandbox on a host may start slowly)', size, limit),
  tools: () => l10n.t('Tools:'),
  notInstalled: () => l10n.t('not installed'),
  pythonPackages: (count: number) => l10n.t('Python packages: {0}', count),

  noFrom: (file: string) => l10n.t('{0} has no FROM.', file),
  noTarget: (file: string, target: string) => l10n.t('{0} has no stage “{1}”.', file, target),
  unknownInstruction: (word: string) => l10n.t("“{0}” isn't a Dockerfile instruction.", word),
  notUtf8: () => l10n.t("The line isn't valid UTF-8. Save the file as UTF-8."),
  escapeDirective: () => l10n.t('`escape` can be \\ or `, and be set only once.'),
  flagWithoutValue: (flag: string) => l10n.t('--{0} requires a value.', flag),
  notTrueOrFalse: (flag: string, value: string) => l10n.t('--{0} can be true or false, not “{1}”.', flag, value),
  flagTwice: (flag: string) => l10n.t('--{0} can be used only once.', flag),
  notOnlyStrings: () => l10n.t('A JSON array can contain only strings here.'),
  healthcheckSyntax: () => l10n.t('HEALTHCHECK takes NONE, or CMD with a command.'),
  openQuote: (word: string) => l10n.t('A quotation mark in {0} has no end.', word),
  unknownMountOption: (option: string) => l10n.t("A mount doesn't take “{0}”.", option),
  unknownFlag: (keyword: string, flag: string) => l10n.t("{0} doesn't take --{1}.", keyword, flag),
  heredocWithoutEnd: (name: string) => l10n.t('No line ends the heredoc. Add one that is just {0}.', name),
  triggerNotAllowed: (keyword: string) => l10n.t("ONBUILD can't be followed by {0}.", keyword),
  envWithoutValue: (word: string) => l10n.t("{0} isn't in the form NAME=value.", word),
  oneUser: () => l10n.t('USER takes one user, and optionally a group: user:group.'),
  emptyInstruction: (keyword: string) => l10n.t('{0} is empty.', keyword),
  instructionBeforeFrom: (keyword: string) =>
    l10n.t('{0} comes before the first FROM, where only ARG is allowed.', keyword),
  instructionNotAllowed: (keyword: string) => l10n.t("{0} isn't allowed here.", keyword),
  fromSyntax: () => l10n.t('FROM takes an image and, optionally, AS with a name.'),
  stageName: (name: string) =>
    l10n.t("“{0}” can't be the name of a stage. Use letters, digits, and . _ -, with a letter first.", name),
  fromUnset: (reference: string) =>
    l10n.t('{0} has no value. Set it with ARG before FROM, or in `buildArgs`.', reference),
  fromScratch: () => l10n.t('An image built from scratch has no shell, which sandboxes need.'),
  unsupportedPlatform: (platform: string) => l10n.t('Modal runs only on linux/amd64, not on {0}.', platform),
  valueOfBaseImage: (keyword: string, variable: string) =>
    l10n.t(
      '{0} uses {1}, which only the base image can set. Set it with ENV or ARG, or write its value.',
      keyword,
      `$${variable}`,
    ),
  requiredVariableUnset: (variable: string, message: string) => l10n.t("{0} isn't set: {1}.", variable, message),
  unsupportedSubstitution: (word: string) => l10n.t("“{0}” uses a substitution that isn't supported.", word),
  shellSyntax: () => l10n.t('SHELL takes a JSON array such as ["bash", "-c"].'),
  entrypointIgnored: () => l10n.t('CMD and ENTRYPOINT are ignored because a sandbox waits for commands.'),

  copySyntax: (keyword: string) => l10n.t('{0} takes a source and a destination.', keyword),
  unsupportedFlag: (keyword: string, flag: string) => l10n.t("{0} --{1} isn't supported.", keyword, flag),
  unsupportedFlagWithFrom: (flag: string) => l10n.t("--{0} isn't supported together with --from.", flag),
  noStageBefore: (name: string) => l10n.t("There's no stage “{0}” before this one.", name),
  copyFromImageLocally: (image: string) =>
    l10n.t("Local Modal doesn't use a registry, so files can't be copied from {0}.", image),
  copyToFolder: (keyword: string, to: string) =>
    l10n.t('{0} with several sources needs a folder as its destination. Write {1}/.', keyword, to),
  invalidPattern: (pattern: string) => l10n.t("“{0}” isn't a valid pattern.", pattern),
  unusableIgnoreFile: (file: string, reason: string) => l10n.t("{0} can't be used: {1}", file, reason),
  nothingMatches: (pattern: string, keyword: string, line: number) =>
    l10n.t('{0} in line {1}: nothing in the build context matches {2}.', keyword, line, pattern),
  outsideContext: (path: string) => l10n.t('{0} is outside the build context.', path),
  notInContext: (path: string, context: string) =>
    l10n.t("{0} doesn't exist in the build context ({1}), or is excluded by .dockerignore.", path, context),
  linkOutsideContext: (path: string) => l10n.t("{0} is a link to a path that isn't in the build context.", path),
  addOfRepository: () => l10n.t("Git repositories can't be added. Use RUN git clone."),
  urlWithoutName: (url: string) => l10n.t('{0} has no file name. Add one to the destination.', url),

  unsupportedRunFlag: (flag: string, value: string) => l10n.t("Modal doesn't support RUN --{0}={1}.", flag, value),
  unsupportedMount: (type: string) => l10n.t("Modal doesn't support RUN --mount=type={0}.", type),
  mountWithoutTarget: () => l10n.t('A mount requires a target.'),
  mountTargetTooBroad: (target: string) => l10n.t('Nothing can be mounted directly at {0}. Use COPY instead.', target),
  cacheMountsIgnored: () => l10n.t('Cache mounts are empty at the start of each RUN, and not kept.'),
  secretMissing: (id: string, variable: string) =>
    l10n.t("The secret “{0}” isn't available. Add the variable {1} to `buildSecrets`.", id, variable),
  optionalSecretMissing: (variable: string) =>
    l10n.t("`buildSecrets` doesn't name {0}, so that secret isn't mounted.", variable),
  multilineWithoutShell: (shell: string) =>
    l10n.t('Several lines can be passed only to a shell such as sh or bash, not to {0}.', shell),
};
