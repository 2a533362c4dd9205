import * as l10n from '@vscode/l10n';

/** What agents and their users read. */
export const strings = {
  policyUnreadable: (path: string, reason: string) =>
    l10n.t("The policy for agents can't be used: {0} in {1}. Correct the file, and try again.", reason, path),
  notAllowed: (question: string, setting: string, path: string) =>
    l10n.t(
      "Not allowed: “{0}” The user can allow it with {1} in {2}. Ask them; don't look for a way around it.",
      question,
      setting,
      path,
    ),
  declined: () => l10n.t("The user said no. Don't ask again unless they bring it up."),
  budgetSpent: (spent: string, limit: string) =>
    l10n.t(
      'The budget of this session is spent: {0} of {1}. Its sandboxes were terminated, and nothing more can run. Tell the user.',
      spent,
      limit,
    ),
  tooManySandboxes: (handles: string) =>
    l10n.t('There are as many sandboxes as the policy allows. Terminate one first: {0}.', handles),
  priceUnknown: (profile: string) =>
    l10n.t("The price of profile “{0}” isn't known, so a budget can't be kept. Choose another profile.", profile),
  gone: (handle: string, why: string) =>
    l10n.t(
      "{0} has ended ({1}), with its files and programs. Call again without a handle to start another sandbox with the folder's files.",
      handle,
      why,
    ),
  unknownHandle: (handle: string, valid: string) => {
    if (valid === '') return l10n.t("There's no “{0}”, and nothing else yet.", handle);
    return l10n.t("There's no “{0}”. Valid: {1}.", handle, valid);
  },
  noRun: () => l10n.t("There's no run yet. Start one with sandbox_run."),
  noSandbox: () => l10n.t("There's no sandbox yet. The first run starts one."),
  notOwn: (handle: string) =>
    l10n.t("{0} is the user's sandbox, which only they can terminate. Stop your runs in it instead.", handle),
  sandboxIs: (handle: string, origin: 'shared' | 'fork' | 'fresh') => {
    if (origin === 'shared') return l10n.t('{0} is the sandbox that the user works in, too.', handle);
    if (origin === 'fork') return l10n.t("{0} was started with a copy of the files in the user's sandbox.", handle);
    return l10n.t('{0} was started, and has nothing but the files of the folder.', handle);
  },
  beforeAgent: (client: string) => l10n.t('Before {0}', client),
  agentOf: (client: string) => l10n.t('{0} (agent)', client),
  preparing: () => l10n.t('Preparing'),
  stopped: (handle: string) => l10n.t('{0} was stopped before its program started.', handle),
  stillRunning: (handle: string) =>
    l10n.t("{0} hasn't stopped yet. Check it with sandbox_output, or terminate its sandbox.", handle),
  commandNeeded: () => l10n.t('Give either argv or shell.'),
  fileOutside: (path: string) =>
    l10n.t(
      "{0} is outside the folder, so it isn't sent to the sandbox. Copy it into the folder if it should be.",
      path,
    ),
  offsetTooLarge: (limit: string) =>
    l10n.t('Only the first {0} of a file can be read. Use sandbox_run with tail or sed for the rest.', limit),
  pathNotResolved: (path: string) => l10n.t("{0} doesn't exist, or leads nowhere.", path),
  notKept: (limit: string) =>
    l10n.t("This part of the output wasn't kept. Redirect the output of a long run to a file. {0}", limit),
  mayStart: (client: string, profile: string, price: string, idle: string, lifetime: string, budget: string) =>
    l10n.t(
      "Let {0} start a sandbox of profile “{1}” for {2} per hour? It stops after {3} without use, and after {4} in any case. The session's budget is {5}.",
      client,
      profile,
      price,
      idle,
      lifetime,
      budget,
    ),
  maySend: (folder: string, files: number, size: string) =>
    l10n.t('Send {0} files ({1}) of {2} to the sandbox?', files, size, folder),
  mayPull: (patterns: string, folder: string) => l10n.t('Copy {0} from the sandbox into {1}?', patterns, folder),
  mayTerminate: (client: string, handle: string) =>
    l10n.t('Let {0} terminate its {1}, and discard the files in it?', client, handle),
  mayUseOutside: (path: string) => l10n.t('Let the agent use {0}, which is outside the synced folder?', path),
  notInstalled: () =>
    l10n.t('Sandboxes for Modal is no longer installed in the editor. Install it, and connect the agent again.'),
  clientFileInvalid: (path: string, reason: string) =>
    l10n.t("{0} can't be read: {1}. Correct it, and then connect the agent again.", path, reason),
  clientFileComplex: (path: string) =>
    l10n.t("{0} is written in a way that can't be extended automatically. Add the entry to it yourself.", path),
  folderNeeded: (path: string) =>
    l10n.t("{0} isn't a project. Start the agent in the folder of one, or pass --folder PATH.", path),
  allowOnce: () => l10n.t('Allow once'),
  allowForSession: () => l10n.t('Allow for this session'),
};
