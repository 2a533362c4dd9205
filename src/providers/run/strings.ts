import * as l10n from '@vscode/l10n';

/** Messages about running code from the editor. */
export const strings = {
  noFileOpen: () => l10n.t('No file is open. Open a file, and then run again.'),
  noFileToSelectIn: () => l10n.t('No file is open. Open a file, select code, and then run again.'),
  selectionNotSupported: (languageId: string) =>
    l10n.t(
      'You can run selections in Python, JavaScript, TypeScript, bash, sh, and zsh files. To run a “{0}” file, run the whole file.',
      languageId,
    ),
  unsavedFiles: () =>
    l10n.t("Some files couldn't be saved, so the sandbox would run an older version. Save them, and then run again."),
  notText: (name: string) => l10n.t("“{0}” couldn't be opened as text. Select an existing program file.", name),
  credentialNotSent: (name: string) =>
    l10n.t("“{0}” looks like a credential, so it wasn't sent. If it isn't one, rename it.", name),
  copyOfUnsaved: (name: string) =>
    l10n.t("“{0}” hasn't been saved. A copy is run, without the files next to it.", name),
  copyOfOutsideFile: (name: string) =>
    l10n.t("“{0}” isn't in a workspace folder. A copy is run, without the files next to it.", name),

  runnerTitle: (name: string) => l10n.t('Run “{0}” in Sandbox', name),
  runnerPrompt: (kind: string) =>
    l10n.t('The command that runs {0} files, such as “node”. The file path is appended. Saved in modal.runners.', kind),
  noRunner: (name: string, kind: string) =>
    l10n.t(
      "There's no command to run “{0}”. Add one for {1} to the modal.runners setting, and then run again.",
      name,
      kind,
    ),
  noNotebooks: (name: string) =>
    l10n.t(
      "“{0}” is a notebook, which doesn't run as a file. Export it to a Python script and run its cells, or add a command such as “jupyter execute” for .ipynb to the modal.runners setting.",
      name,
    ),

  confirmOtherFolder: (owner: string, folder: string) =>
    l10n.t('This sandbox belongs to “{0}”. Sync “{1}” to it and run the file there?', owner, folder),
  syncAndRun: () => l10n.t('Sync and Run'),
  argumentsTitle: () => l10n.t('Modal: Run Active File with Arguments'),
  argumentsPrompt: () => l10n.t("Arguments as in a shell. The sandbox's shell expands them."),
  cannotRepeat: (label: string) => l10n.t('“{0}” can only be started from where it was started before.', label),
  historyTitle: () => l10n.t('Modal: Run History'),
  historyPlaceholder: () => l10n.t('Select a run to repeat'),
  noHistory: () => l10n.t('No runs in this workspace yet. Run a file first.'),

  lens: (profile: string) => l10n.t('Run in Sandbox ({0})', profile),
  lensTooltip: (name: string, profile: string) =>
    l10n.t('Run {0} in a Modal sandbox with profile “{1}”', name, profile),
  debugLens: () => l10n.t('Debug in Sandbox'),
  debugLensTooltip: (name: string, profile: string) =>
    l10n.t('Debug {0} in a Modal sandbox with profile “{1}”', name, profile),
  cellLens: () => l10n.t('Run Cell in Sandbox'),
  cellLensTooltip: (profile: string) =>
    l10n.t('Run this cell in an interactive session in a Modal sandbox with profile “{0}”', profile),
  changeProfile: () => l10n.t('Change Profile'),
  changeProfileTooltip: (profile: string) => l10n.t("This folder's sandboxes use profile “{0}”", profile),

  stillRunning: (label: string) => l10n.t('“{0}” is still running.', label),
  stopAndRunAgain: () => l10n.t('Stop and Run Again'),
  attaching: () => l10n.t('Attaching…'),
  attach: () => l10n.t('Attach'),
  stop: () => l10n.t('Stop'),
  attachTitle: () => l10n.t('Modal: Attach to Run'),
  stopTitle: () => l10n.t('Modal: Stop Run'),
  detachedPlaceholder: () => l10n.t('Select a detached run'),
  noDetachedRuns: () =>
    l10n.t('No detached runs are in progress. To start one, run “Modal: Run Active File Detached”.'),
  runHasEnded: () => l10n.t('The run has ended. Open its output in the Runs view.'),
  keepTitle: () => l10n.t('Modal: Keep Running'),
  keepPlaceholder: () => l10n.t('Select a program to keep running when this window closes'),
  nothingToKeep: () => l10n.t('No program is running in a terminal of this window.'),
  keepRunningButton: () => l10n.t('Keep Running'),
  stopsSoon: (label: string, seconds: number) =>
    l10n.t('“{0}” stops in {1} seconds because its terminal was closed.', label, seconds),
  isKept: (label: string) =>
    l10n.t('“{0}” keeps running, also when this window closes. To see it, run “Modal: Attach to Run”.', label),
  hasStopped: (label: string) => l10n.t('“{0}” has stopped.', label),
  keepsRunning: (label: string) => l10n.t('“{0}” keeps running in its sandbox.', label),
  detachedRunEnded: (label: string, end: string) => l10n.t('“{0}” has ended: {1}', label, end),
  showOutput: () => l10n.t('Show Output'),
  runBoth: () => l10n.t('Run Both'),
  runActiveFile: () => l10n.t('Run Active File'),
  runTaskTitle: () => l10n.t('Modal: Run Task in Sandbox'),
  runTaskPlaceholder: () => l10n.t('Select a task to run'),
  noTasks: () =>
    l10n.t(
      'The workspace has no tasks that can run in a sandbox. Create one (“Tasks: Configure Task”), and then run again.',
    ),

  dependencyCycle: (name: string) =>
    l10n.t('“{0}” depends on itself. Remove the circle of “dependsOn” from tasks.json, and then run again.', name),
  noDependency: (name: string, dependency: string) =>
    l10n.t(
      "“{0}” depends on “{1}”, which doesn't exist. Fix “dependsOn” in tasks.json, and then run again.",
      name,
      dependency,
    ),
  taskCannotRun: (name: string) =>
    l10n.t(
      "“{0}” can't run in a sandbox, because its extension doesn't tell its command. Use a task of type “shell”, and then run again.",
      name,
    ),
  instanceLimit: (name: string, limit: number) =>
    l10n.t('“{0}” is running already, as often as its “instanceLimit” allows ({1}).', name, limit),

  openLocalFile: () => l10n.t('Open local file'),
  pressAnyKey: () => l10n.t('Press any key to close the terminal'),
  shell: () => l10n.t('shell'),
  shellTerminal: () => l10n.t('Modal Sandbox'),
  shellTerminalOf: (sandbox: string) => l10n.t('Modal {0}', sandbox),

  selections: (interpreter: string) => l10n.t('{0} selections', interpreter),
  selectionTerminal: (interpreter: string) => l10n.t('Modal {0}', interpreter),
  selectionTerminalOf: (interpreter: string, details: string) => l10n.t('Modal {0} ({1})', interpreter, details),
  selectionHint: () =>
    l10n.t('Run a selection in the editor to see its output here. Your input goes to the running code.'),
  nextSelection: (interpreter: string) => l10n.t('The next selection starts a new {0} process.', interpreter),
  moreLines: (count: number) => (count === 1 ? l10n.t('(1 more line)') : l10n.t('({0} more lines)', count)),
};
