import * as l10n from '@vscode/l10n';

/** Texts of the command line. */
export const strings = {
  // Help
  overviewUsage: () => l10n.t('Usage: sandboxes COMMAND [FLAGS] [ARGUMENTS]'),
  overviewEnd: () => l10n.t('“sandboxes COMMAND --help” explains a command and its flags.'),
  usage: (usage: string) => l10n.t('Usage: sandboxes {0}', usage),
  seeHelp: (command: string) => l10n.t('“sandboxes {0} --help” lists all flags.', command),
  runSummary: () => l10n.t('Run a file in the sandbox of this folder'),
  execSummary: () => l10n.t('Run a command in the sandbox of this folder'),
  shellSummary: () => l10n.t('Open a shell in the sandbox of this folder'),
  syncSummary: () => l10n.t("Send this folder's changes to its sandbox"),
  pullSummary: () => l10n.t('Bring files back from the sandbox, by paths or .gitignore patterns'),
  statusSummary: () => l10n.t('Show the sandbox of this folder, its time, and its cost'),
  lsSummary: () => l10n.t('List the sandboxes of the account'),
  logsSummary: () => l10n.t('Print what a run printed, by default the last one'),
  portsSummary: () =>
    l10n.t("Forward the sandbox's ports to this computer until Ctrl+C, or list those that programs listen on"),
  snapshotSummary: () => l10n.t("Save the sandbox's files as a snapshot"),
  mcpSummary: () => l10n.t('Let an agent use sandboxes, as a server of the Model Context Protocol'),
  mcpDetails: () =>
    l10n.t(
      'A client starts this, and speaks to it through the standard streams. See docs/agents.md for what agents may do.',
    ),
  forkSummary: () => l10n.t('Start a second sandbox with the same files'),
  stopSummary: () => l10n.t('Stop the sandbox of this folder, or those with these IDs'),
  permissionsSummary: () => l10n.t('List your answers about this folder, or forget them to be asked again'),
  profilesSummary: () => l10n.t('List the profiles of this folder'),
  questionKinds: (kinds: string) => l10n.t('Kinds of questions: {0}.', kinds),
  programDetails: () =>
    l10n.t(
      "The exit code is that of the program. 2 means that the command line isn't valid or that a question has no answer, 124 that the time is over, and 125 that the program didn't run.",
    ),
  flags: {
    folder: () => l10n.t('The folder. Defaults to the project that you are in'),
    profile: () => l10n.t("The profile. Defaults to the folder's"),
    build: () => l10n.t("A value to use instead of the profile's, such as gpu=h100 or cpu=2; can be repeated"),
    account: () => l10n.t("The account: local, environment, or profile:NAME. Defaults to that of Modal's tools"),
    local: () => l10n.t('Use Local Modal, on this computer'),
    allow: () => l10n.t('Answer a kind of question with yes; can be repeated'),
    deny: () => l10n.t('Answer a kind of question with no; can be repeated'),
    json: () => l10n.t('Print the result as JSON'),
    quiet: () => l10n.t('Print only results and errors'),
    help: () => l10n.t('Print this help'),
    sandbox: () => l10n.t("Another sandbox, which isn't synced"),
    env: () => l10n.t('A variable for the program, or the name of one of this computer; can be repeated'),
    cwd: () => l10n.t('The working directory in the sandbox'),
    pull: () => l10n.t('Bring these files back after the program; can be repeated'),
    timeout: () => l10n.t('Stop the program after this time'),
    'no-sync': () => l10n.t("Don't send changes first"),
    'no-pty': () => l10n.t("Don't run the program in a terminal"),
    all: () => l10n.t('Also list those that ended in the last day'),
    list: () => l10n.t('List the runs of this folder'),
    name: () => l10n.t('The name of the snapshot'),
    forget: () => l10n.t('Forget the answers'),
  },
  flagValues: {
    folder: 'DIR',
    profile: 'NAME',
    build: 'KEY=VALUE',
    account: 'ACCOUNT',
    allow: 'KIND',
    deny: 'KIND',
    sandbox: 'ID',
    env: 'NAME[=VALUE]',
    cwd: 'DIR',
    pull: 'PATTERN',
    timeout: 'SECONDS',
    name: 'NAME',
  },

  // The command line isn't valid
  unknownCommand: (name: string, near: readonly string[]) =>
    l10n.t('There is no command “{0}”. The nearest: {1}. “sandboxes --help” lists all.', name, near.join(', ')),
  unknownFlag: (flag: string, near: readonly string[]) =>
    l10n.t('There is no flag {0} here. The nearest: {1}.', flag, near.join(', ')),
  flagNeedsValue: (flag: string) => l10n.t('{0} needs a value.', flag),
  flagTakesNoValue: (flag: string) => l10n.t('{0} takes no value.', flag),
  argumentMissing: (usage: string) => l10n.t('An argument is missing. Usage: {0}.', usage),
  tooManyArguments: (argument: string, usage: string) =>
    l10n.t('“{0}” is one argument too many. Usage: {1}.', argument, usage),
  invalidAccount: (text: string) => l10n.t('The account “{0}” must be local, environment, or profile:NAME.', text),
  invalidVariable: (text: string) => l10n.t('“{0}” must have the form NAME=VALUE, or be the name of a variable.', text),
  invalidTimeout: (text: string) => l10n.t('The time “{0}” must be a number of seconds.', text),
  unknownQuestion: (kind: string, near: readonly string[]) =>
    l10n.t('There is no kind of question “{0}”. The nearest: {1}.', kind, near.join(', ')),

  invalidPort: (text: string) => l10n.t('The port “{0}” must be a number, or two as in 8000:9000.', text),

  // Questions
  howToAnswer: (kind: string) =>
    l10n.t('No one could be asked. Run again with --allow {0} to say yes, or with --deny {0} to say no.', kind),
  yesOrNo: () => l10n.t('[y/n]'),

  // Results
  logAt: (path: string) => l10n.t('The log is in {0}.', path),
  forgotten: (count: number) =>
    count === 1 ? l10n.t('1 answer is forgotten.') : l10n.t('{0} answers are forgotten.', count),
  noAnswers: (folder: string) => l10n.t('You have answered no questions about “{0}”.', folder),
  allowed: () => l10n.t('allowed'),
  denied: () => l10n.t('denied'),
  timedOut: () => l10n.t('The program was stopped, because its time was over.'),
  folder: () => l10n.t('Folder'),
  account: () => l10n.t('Account'),
  profile: () => l10n.t('Profile'),
  sandbox: () => l10n.t('Sandbox'),
  none: () => l10n.t('none'),
  timeLeft: () => l10n.t('Time left'),
  idleTimeout: () => l10n.t('Idle timeout'),
  price: () => l10n.t('Price'),
  perHour: (price: string) => l10n.t('{0} per hour', price),
  spentToday: () => l10n.t('Spent today'),
  startedAt: (time: string) => l10n.t('started {0}', time),
  noPorts: () => l10n.t('No program in the sandbox listens on a port.'),
  sandboxEnded: (id: string) => l10n.t('Sandbox {0} has ended, and its ports with it.', id),
  noSandboxes: () => l10n.t('No sandboxes are running.'),
  noneToStop: (folder: string) => l10n.t('No sandbox is running for “{0}”.', folder),
  snapshotName: (folder: string, time: string) => l10n.t('{0} {1}', folder, time),
  takingSnapshot: () => l10n.t('Taking a snapshot…'),
  forking: () => l10n.t('Starting a sandbox with the same files…'),
  noRuns: () => l10n.t('Nothing has run in this folder yet.'),
  unknownRun: (id: string) => l10n.t('There is no run “{0}”. “sandboxes logs --list” lists the runs.', id),
  stillRunning: () => l10n.t("The run hasn't ended, so its output isn't stored yet."),
  outputDeleted: () => l10n.t('The output of the run is no longer stored.'),
  outputCut: (bytes: number) => l10n.t('… {0} bytes are missing here …', bytes),
};
