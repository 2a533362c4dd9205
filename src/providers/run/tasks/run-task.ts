import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { explainAndLog } from '../../../modal/errors.ts';
import { shellLine, TASK_TYPE } from '../../../run/task-definition.ts';
import { diskFolders } from '../../common/folders.ts';
import type { RunTasks } from './tasks.ts';

/**
 * `modal.runTask`: picks a shell or process task of the workspace and runs it in the sandbox as it stands in tasks.json,
 * with its options, problem matchers and inputs. Resolves when it has started.
 */
export async function runTaskInSandbox(tasks: RunTasks, name?: string): Promise<void> {
  try {
    const all = (await vscode.tasks.fetchTasks()).filter(({ execution }) => definitionOf(execution) !== undefined);
    if (all.length === 0) {
      throw new UserError(
        'The workspace has no shell or process task. Write one (“Tasks: Configure Task”), then run again.',
      );
    }
    const items = all.map((task) => ({ task, label: task.name, description: task.source, detail: task.detail ?? '' }));
    const picked = name
      ? items.find(({ task }) => task.name === name)
      : await vscode.window.showQuickPick(items, { title: 'Modal: Run Task in Sandbox', placeHolder: 'Which task?' });
    if (!picked) return;
    const { task } = picked;
    const folder = typeof task.scope === 'object' ? task.scope : diskFolders()[0];
    const definition = definitionOf(task.execution);
    if (!folder || !definition)
      throw new UserError('No folder is open. Open one (“File: Open Folder…”), then run the task again.');
    await tasks.start(definition, folder, task.name);
  } catch (error) {
    void vscode.window.showErrorMessage(explainAndLog(error));
  }
}

/** The `modal` definition that does what an execution does; absent for those that are not a command line. */
function definitionOf(execution: vscode.Task['execution']): vscode.TaskDefinition | undefined {
  if (execution instanceof vscode.ShellExecution) {
    const { command, args = [], commandLine, options } = execution;
    const script = commandLine ?? shellLine([command ?? '', ...args].map(shellWord));
    return { type: TASK_TYPE, script, ...optionsOf(options) };
  }
  if (execution instanceof vscode.ProcessExecution) {
    const { process: command, args, options } = execution;
    return { type: TASK_TYPE, command, args, ...optionsOf(options) };
  }
  return undefined;
}

function optionsOf(options: vscode.ShellExecutionOptions | vscode.ProcessExecutionOptions | undefined) {
  return { ...(options?.cwd && { cwd: options.cwd }), ...(options?.env && { env: options.env }) };
}

const QUOTING = {
  [vscode.ShellQuoting.Escape]: 'escape',
  [vscode.ShellQuoting.Strong]: 'strong',
  [vscode.ShellQuoting.Weak]: 'weak',
} as const;

function shellWord(word: string | vscode.ShellQuotedString) {
  return typeof word === 'string' ? word : { value: word.value, quoting: QUOTING[word.quoting] };
}
