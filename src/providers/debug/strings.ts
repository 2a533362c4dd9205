import * as l10n from '@vscode/l10n';

/** Messages about debugging from the editor. */
export const strings = {
  noFileOpen: () => l10n.t('No file is open. Open the file to debug, and then debug again.'),
  configuration: () => l10n.t('Debug in Sandbox'),
  currentFile: () => l10n.t('Current File in Sandbox'),
  debugging: (name: string) => l10n.t('Debugging {0} in a sandbox', name),
  terminal: (name: string) => l10n.t('Debug {0}', name),
  configurationsTitle: () => l10n.t('Modal: Debug a Launch Configuration in Sandbox'),
  configurationsPlaceholder: () => l10n.t('Select a configuration to debug in a sandbox'),
  noConfigurations: () =>
    l10n.t(
      'launch.json has no configurations for Python or Node.js that a sandbox can run. To debug the open file, use “Modal: Debug Active File in Sandbox”.',
    ),
  envFileNotUsed: (name: string) =>
    l10n.t(
      "The `envFile` of “{0}” isn't sent to the sandbox. To use it there, name it in the profile's `envFile`.",
      name,
    ),
  stopped: (price: string, limit: string) =>
    l10n.t(
      'Stopped. Meanwhile, the sandbox costs about {0} per hour. After {1} without you, the session ends.',
      price,
      limit,
    ),
  endsSoon: (name: string, remaining: string, price: string | undefined) =>
    price === undefined
      ? l10n.t('“{0}” has been stopped for long. Its debug session ends in {1}.', name, remaining)
      : l10n.t(
          '“{0}” has been stopped for long, and its sandbox costs about {2} per hour. Its debug session ends in {1}.',
          name,
          remaining,
          price,
        ),
  ended: (name: string, limit: string) =>
    l10n.t(
      'The debug session of “{0}” has ended, because its program was stopped and you did nothing for {1}.',
      name,
      limit,
    ),
  keepDebugging: () => l10n.t('Keep Debugging'),
  debugger: () => l10n.t('Debugger'),
  noSandbox: (folder: string) =>
    l10n.t('“{0}” has no running sandbox to attach to. Run the program in a sandbox first.', folder),
  noDebugger: () =>
    l10n.t("debugpy, Python's debugger, isn't installed in the sandbox. Install it, and debugging continues."),
  noDebuggerOffline: () =>
    l10n.t(
      "debugpy, Python's debugger, isn't installed in the sandbox, which has no network access. Add “debugpy” to the packages of the profile's image, and then debug again.",
    ),
  noNodeDebugger: () =>
    l10n.t(
      "VS Code's own debugger for JavaScript isn't available. Enable the built-in extension “JavaScript Debugger” (ms-vscode.js-debug), and then debug again.",
    ),
  install: () => l10n.t('Install in This Sandbox'),
  addToImage: () => l10n.t("Add to the Profile's Image"),
  addedToImage: (profile: string) =>
    l10n.t('“debugpy” was added to the image of profile “{0}”. Replace the sandbox, and then debug again.', profile),
  installing: () => l10n.t('Installing debugpy in the sandbox…'),
};
