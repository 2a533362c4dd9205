import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { DetachedRuns } from '../../run/detached/detached-runs.ts';
import type { RunRecord } from '../../run/records/record.ts';
import type { RunRecords } from '../../run/records/run-records.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunServices } from '../../run/services.ts';
import type { Cell, Target } from '../../run/targets/target.ts';
import { TASK_TYPE } from '../../run/task-definition.ts';
import { registerCommands } from '../common/commands.ts';
import type { ErrorContext } from '../common/error-actions.ts';
import type { LensProfiles } from '../common/lens-profiles.ts';
import { RunLenses } from './code-lens.ts';
import { DetachedCommands } from './detached-commands.ts';
import type { RunAccount } from './run-account.ts';
import { RunCommands } from './run-commands.ts';
import { RunRequests, type RunSyncRules, type TaskPermissions } from './run-requests.ts';
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
  readonly permissions: TaskPermissions;
  readonly account: RunAccount;
  readonly profiles: LensProfiles;
  readonly records: RunRecords;
  readonly detached: DetachedRuns;
}

/** Running code in sandboxes: code lenses, commands, tasks, terminals, and selections. */
export function runModule({ services, syncRules, permissions, account, profiles, ...rest }: RunModuleDependencies) {
  const { records, detached } = rest;
  const requests = new RunRequests(syncRules, permissions);
  const terminals = new RunTerminals(services);
  const modalTasks = new ModalTasks(terminals, requests);
  const sandboxTasks = new SandboxTasks(terminals, requests);
  const workspaceTasks = new WorkspaceTasks(sandboxTasks);
  const runs = new RunCommands({
    tasks: new RunTasks(terminals),
    requests,
    account,
    records,
  });
  const selections = new SelectionCommands({ terminals, requests, account, sessions: services.sessions });
  const detachedRuns = new DetachedCommands({ detached, records, onText: (id, text) => terminals.onText(id, text) });
  const disposable = vscode.Disposable.from(
    detachedRuns,
    terminals.onDidClose((closed) => detachedRuns.closed(closed)),
    terminals.onDidLeave((id) => detachedRuns.left(id)),
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
      'modal.runDetached': (uri?: vscode.Uri) => runs.runDetached(uri),
      'modal.attachToRun': (record?: RunRecord) => detachedRuns.attach(record),
      'modal.keepRunning': (record?: RunRecord) => detachedRuns.keep(terminals.running, record),
      'modal.stopRun': (record?: RunRecord) => detachedRuns.stop(record),
      'modal.runHistory': () => runs.runAgain(),
      'modal.repeatRun': (record: RunRecord) => runs.repeat(record),
      'modal.runTarget': (uri: vscode.Uri, target: Target | Cell) =>
        target.kind === 'cell' ? selections.runCell(uri, target) : runs.runTarget(uri, target),
      'modal.runTask': (name?: string) => workspaceTasks.run(name),
      'modal.runSelection': () => selections.run(),
      'modal.restartSelectionProcess': () => selections.restart(),
    }),
  );
  return Object.assign(disposable, {
    onDidWriteOutput: terminals.onDidWriteOutput,
    requests,
    terminals,
    /** Runs what `make` builds, as a task. Errors are shown. */
    run: (make: () => Promise<RunRequest>, context: ErrorContext) => runs.run(make, context),
    /** Opens a shell in the folder's sandbox, or in the given one, once an account is chosen. */
    openTerminal: async (sandboxId?: string): Promise<void> => {
      if (await account.ensureChosen()) openShell(terminals, sandboxId);
    },
  });
}
