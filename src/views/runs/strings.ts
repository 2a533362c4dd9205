import * as l10n from '@vscode/l10n';

/** Texts of the Runs view. */
export const strings = {
  today: () => l10n.t('Today'),
  yesterday: () => l10n.t('Yesterday'),
  runLabel: (name: string, description: string) => l10n.t('Run of {0}, {1}', name, description),

  detached: () => l10n.t('running, detached'),
  command: () => l10n.t('Command'),
  started: () => l10n.t('Started'),
  folder: () => l10n.t('Folder'),
  profile: () => l10n.t('Profile'),
  sandbox: () => l10n.t('Sandbox'),
  start: () => l10n.t('Sandbox start'),
  sync: () => l10n.t('Sync'),
  syncOf: (duration: string, files: string, bytes: string) => l10n.t('{0} ({1}, {2})', duration, files, bytes),
  firstOutput: () => l10n.t('First output'),
  program: () => l10n.t('Program'),
  pull: () => l10n.t('Pull'),
  output: () => l10n.t('Output'),
  cost: () => l10n.t('Cost'),
  costOf: (cost: string, price: string) => l10n.t('{0}, estimated at {1} per hour', cost, price),

  noOutput: () => l10n.t('The program printed nothing.'),
  outputGone: () => l10n.t('The output isn’t stored anymore.'),
  notEnded: () => l10n.t('The output is stored when the run ends.'),
  outputLost: () => l10n.t('The output was lost with its window.'),
  missing: (size: string) => l10n.t('… {0} not stored …', size),
  selectTwo: () => l10n.t('Select two runs to compare their outputs.'),
  compared: (left: string, right: string) => l10n.t('{0} ↔ {1}', left, right),

  costTitle: () => l10n.t('Modal: Show Cost'),
  costName: (month: string) => l10n.t('Cost of runs in {0}', month),
  selectMonth: () => l10n.t('Select a month'),
  noRuns: () => l10n.t('There are no records of runs yet. Run a file first.'),

  delete: () => l10n.t('Delete'),
  deleteOne: (name: string) => l10n.t('Delete the record of “{0}” and its output?', name),
  deleteMany: (count: number) => l10n.t('Delete the records of {0} runs and their outputs?', count),
};
