import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { Target } from '../../run/targets/target.ts';
import type { RunCommands } from '../run/run-commands.ts';
import type { SelectionCommands } from '../run/selection/selection-commands.ts';
import { runTaskInSandbox } from '../run/tasks/run-task.ts';
import type { RunTasks } from '../run/tasks/tasks.ts';

export interface CommandServices {
  readonly run: RunCommands;
  readonly selections: SelectionCommands;
  readonly tasks: RunTasks;
  readonly showLog: () => void;
}

/** Registers the commands that belong to no view; each view registers its own. */
export function registerCommands(services: CommandServices): vscode.Disposable {
  const { run, selections, tasks } = services;
  const actions: Record<string, (...args: never[]) => unknown> = {
    runActiveFile: (uri?: vscode.Uri) => run.runActiveFile(uri),
    runFile: (uri: vscode.Uri) => run.runActiveFile(uri),
    runActiveFileHere: (sandbox: SandboxSummary) => run.runActiveFileHere(sandbox),
    runWithArguments: (uri?: vscode.Uri) => run.runWithArguments(uri),
    runHistory: () => run.runAgain(),
    runTarget: (uri: vscode.Uri, target: Target) => run.runTarget(uri, target),
    runSelection: () => selections.run(),
    restartSelectionProcess: () => selections.restart(),
    runTask: (name?: string) => runTaskInSandbox(tasks, name),
    showLog: services.showLog,
  };
  return vscode.Disposable.from(
    ...Object.entries(actions).map(([name, action]) => vscode.commands.registerCommand(`modal.${name}`, action)),
  );
}
