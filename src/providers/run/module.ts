import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { RunHistory } from '../../run/history.ts';
import type { RunServices } from '../../run/services.ts';
import type { Target } from '../../run/targets/target.ts';
import { TASK_TYPE } from '../../run/task-definition.ts';
import { registerCommands } from '../common/commands.ts';
import { type LensProfiles, RunLenses } from './code-lens.ts';
import { type RunAccount, RunCommands } from './run-commands.ts';
import { RunRequests, type RunSyncRules } from './run-requests.ts';
import { RunTerminals } from './run-terminals.ts';
import { SelectionCommands } from './selection/selection-commands.ts';
import { openShell, registerTerminalProfile } from './shell-terminal.ts';
import { ModalTasks } from './tasks/modal-tasks.ts';
import { RunTasks } from './tasks/run-tasks.ts';
import { SandboxTasks } from './tasks/sandbox-tasks.ts';
import { ModalTaskProvider } from './tasks/task-provider.ts';
import { WorkspaceTasks } from './tasks/workspace-tasks.ts';
import { registerTerminalLinks } from './terminal-links.ts';

export interface RunModuleDependencies {
  readonly services: RunServices;
  readonly syncRules: RunSyncRules;
  readonly account: RunAccount;
  readonly profiles: LensProfiles;
  /** The storage of the workspace's run history. */
  readonly memory: vscode.Memento;
}

/** Running code in sandboxes: code lenses, commands, tasks, terminals, and selections. */
export function runModule({ services, syncRules, account, profiles, memory }: RunModuleDependencies) {
  const requests = new RunRequests(syncRules);
  const terminals = new RunTerminals(services);
  const modalTasks = new ModalTasks(terminals, requests);
  const sandboxTasks = new SandboxTasks(terminals, requests);
  const workspaceTasks = new WorkspaceTasks(sandboxTasks);
  const runs = new RunCommands({
    tasks: new RunTasks(terminals),
    requests,
    account,
    history: new RunHistory(memory),
  });
  const selections = new SelectionCommands({ terminals, requests, account, sessions: services.sessions });
  const disposable = vscode.Disposable.from(
    terminals,
    sandboxTasks,
    new RunLenses(profiles),
    registerTerminalProfile(terminals),
    registerTerminalLinks((copy) => requests.originalOf(copy)),
    vscode.tasks.registerTaskProvider(TASK_TYPE, new ModalTaskProvider(modalTasks)),
    registerCommands({
      'modal.runActiveFile': (uri?: vscode.Uri) => runs.runActiveFile(uri),
      'modal.runFile': (uri: vscode.Uri) => runs.runActiveFile(uri),
      'modal.runActiveFileHere': (sandbox: SandboxSummary) => runs.runActiveFileHere(sandbox),
      'modal.runWithArguments': (uri?: vscode.Uri) => runs.runWithArguments(uri),
      'modal.runHistory': () => runs.runAgain(),
      'modal.runTarget': (uri: vscode.Uri, target: Target) => runs.runTarget(uri, target),
      'modal.runTask': (name?: string) => workspaceTasks.run(name),
      'modal.runSelection': () => selections.run(),
      'modal.restartSelectionProcess': () => selections.restart(),
    }),
  );
  return Object.assign(disposable, {
    onDidWriteOutput: terminals.onDidWriteOutput,
    /** Opens a shell in the folder's sandbox, or in the given one, once an account is chosen. */
    openTerminal: async (sandboxId?: string): Promise<void> => {
      if (await account.ensureChosen()) openShell(terminals, sandboxId);
    },
  });
}
